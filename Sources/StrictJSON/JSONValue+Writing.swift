extension JSONValue {
    /// On one line, without spaces.
    package var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// On several lines, indented by two spaces, without a newline at the end.
    package var prettyText: String {
        var bytes: [UInt8] = []
        append(to: &bytes, indentation: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the value on one line.
    package func append(to bytes: inout [UInt8]) { append(to: &bytes, indentation: nil) }

    private func append(to bytes: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: bytes += "null".utf8
        case .boolean(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): bytes += (value.isFinite ? value.description : "null").utf8
        case .string(let value): JSONValue.append(quoted: value, to: &bytes)
        case .array(let elements):
            JSONValue.append(elements, between: ("[", "]"), to: &bytes, indentation: indentation) {
                element,
                bytes,
                inner in
                element.append(to: &bytes, indentation: inner)
            }
        case .object(let members):
            JSONValue.append(members, between: ("{", "}"), to: &bytes, indentation: indentation) {
                member,
                bytes,
                inner in
                JSONValue.append(quoted: member.name, to: &bytes)
                bytes += (inner == nil ? ":" : ": ").utf8
                member.value.append(to: &bytes, indentation: inner)
            }
        }
    }

    private static func append<Element>(
        _ elements: [Element],
        between brackets: (String, String),
        to bytes: inout [UInt8],
        indentation: Int?,
        _ write: (Element, inout [UInt8], Int?) -> Void
    ) {
        bytes += brackets.0.utf8
        let inner = indentation.map { $0 + 2 }
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newLine(inner, &bytes)
            write(element, &bytes, inner)
        }
        if !elements.isEmpty { newLine(indentation, &bytes) }
        bytes += brackets.1.utf8
    }

    private static func newLine(_ indentation: Int?, _ bytes: inout [UInt8]) {
        guard let indentation else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
    }

    /// Quotes a string from outside in an error: a string literal of at most 60 scalars. Not characters: one can be
    /// endless.
    package static func excerpt(of text: String) -> String {
        let scalars = text.unicodeScalars
        let end = scalars.index(scalars.startIndex, offsetBy: 60, limitedBy: scalars.endIndex) ?? scalars.endIndex
        let rest = end == scalars.endIndex ? "" : "…"
        return JSONValue.string(String(scalars[..<end]) + rest).text
    }

    /// A JSON string literal without anything that could move a terminal's cursor, start a line or reverse its order.
    package static func append(quoted text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += #"\""#.utf8
            case "\\": bytes += #"\\"#.utf8
            case "\n": bytes += #"\n"#.utf8
            case "\r": bytes += #"\r"#.utf8
            case "\t": bytes += #"\t"#.utf8
            default:
                if scalar.isHazardousInText {
                    // Every hazardous scalar is in the basic plane, so four digits are enough.
                    let digits = String(scalar.value, radix: 16)
                    bytes += "\\u".utf8
                    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
                    bytes += digits.utf8
                } else {
                    bytes += String(scalar).utf8
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension Unicode.Scalar {
    /// Controls (C0, DEL, C1), line and paragraph separators, and marks that reorder text.
    package var isHazardousInText: Bool {
        switch value {
        case 0..<0x20, 0x7f...0x9f, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }
}
