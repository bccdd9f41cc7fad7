extension TOMLReader {
    /// A string, not empty by default.
    package mutating func string(
        _ section: String,
        _ key: String,
        default fallback: String,
        allowsEmpty: Bool = false,
        override: ConfigurationOverride? = nil
    ) -> String {
        optionalString(section, key, allowsEmpty: allowsEmpty, override: override) ?? fallback
    }

    /// A string that may be absent.
    package mutating func optionalString(
        _ section: String,
        _ key: String,
        allowsEmpty: Bool = false,
        override: ConfigurationOverride? = nil
    ) -> String? {
        value(
            section,
            key,
            default: nil,
            override: override,
            expected: allowsEmpty ? "a string" : "a string that is not empty",
            example: "\"…\"",
            fromText: { allowsEmpty || !$0.isEmpty ? $0 : nil },
            fromNode: { node in
                guard case .string(let text) = node, allowsEmpty || !text.isEmpty else { return String??.none }
                return text
            }
        )
    }

    /// A string that `parse` must accept, for example an address. `expected` completes "expected …".
    package mutating func parsed<Value>(
        _ section: String,
        _ key: String,
        default fallback: Value,
        expected: String,
        example: String,
        override: ConfigurationOverride? = nil,
        _ parse: (String) -> Value?
    ) -> Value {
        value(
            section,
            key,
            default: fallback,
            override: override,
            expected: expected,
            example: example,
            fromText: parse,
            fromNode: { node in
                guard case .string(let text) = node else { return nil }
                return parse(text)
            }
        )
    }

    package mutating func bool(
        _ section: String,
        _ key: String,
        default fallback: Bool,
        override: ConfigurationOverride? = nil
    ) -> Bool {
        value(
            section,
            key,
            default: fallback,
            override: override,
            expected: "true or false",
            example: "\(fallback)",
            fromText: { Bool($0) },
            fromNode: { node in
                guard case .boolean(let flag) = node else { return nil }
                return flag
            }
        )
    }

    /// An integer within `range`.
    package mutating func integer<Number: FixedWidthInteger>(
        _ section: String,
        _ key: String,
        in range: ClosedRange<Number>,
        default fallback: Number,
        override: ConfigurationOverride? = nil
    ) -> Number {
        value(
            section,
            key,
            default: fallback,
            override: override,
            expected: "an integer from \(range.lowerBound) to \(range.upperBound)",
            example: "\(fallback)",
            fromText: { text in Number(text).flatMap { range.contains($0) ? $0 : nil } },
            fromNode: { node in
                guard case .integer(let number) = node, let value = Number(exactly: number), range.contains(value)
                else { return nil }
                return value
            }
        )
    }

    /// A list of strings; an override is separated by commas.
    package mutating func stringList(
        _ section: String,
        _ key: String,
        default fallback: [String],
        override: ConfigurationOverride? = nil
    ) -> [String] {
        value(
            section,
            key,
            default: fallback,
            override: override,
            expected: "a list of strings",
            example: "[\"…\", \"…\"]",
            fromText: { $0.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) } },
            fromNode: { node in
                guard case .array(let elements) = node else { return nil }
                var list: [String] = []
                for element in elements {
                    guard case .string(let text) = element else { return nil }
                    list.append(text)
                }
                return list
            }
        )
    }

    /// One of the raw values of `Value`.
    package mutating func enumeration<Value: RawRepresentable & CaseIterable>(
        _ section: String,
        _ key: String,
        default fallback: Value,
        override: ConfigurationOverride? = nil
    ) -> Value where Value.RawValue == String {
        let names = Value.allCases.map { "\"\($0.rawValue)\"" }
        return parsed(
            section,
            key,
            default: fallback,
            expected: "one of \(names.joined(separator: ", "))",
            example: "\"\(fallback.rawValue)\"",
            override: override
        ) { Value(rawValue: $0) }
    }
}
