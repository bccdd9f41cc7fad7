/// A strict JSON parser (RFC 8259) with bounded depth: no comments, no lone surrogates, UTF-8 only, and no repeated
/// names unless they are allowed.
package struct JSONParser {
    package struct Malformed: Error, Equatable, CustomStringConvertible {
        /// The byte at which parsing stopped, from 0.
        package var offset: Int
        package var problem: String
        package var description: String { "\(problem) at byte \(offset + 1)" }
    }

    /// Deepest nesting of arrays and objects. Ours have two levels, iperf3's results six.
    package static let maximumDepth = 32

    private let bytes: ArraySlice<UInt8>
    private let allowsRepeatedNames: Bool
    private var position: Int

    /// Parses one value that fills `bytes`; whitespace around it is allowed. With `allowsRepeatedNames` (iperf3 repeats
    /// some) all members are kept, and a lookup by name finds the first.
    package static func parse(
        _ bytes: ArraySlice<UInt8>,
        allowsRepeatedNames: Bool = false
    ) throws(Malformed) -> JSONValue {
        var parser = JSONParser(bytes, allowsRepeatedNames: allowsRepeatedNames)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.position != bytes.endIndex { throw parser.malformed("unexpected text after the value") }
        return value
    }

    package static func parse(_ text: String) throws(Malformed) -> JSONValue { try parse(Array(text.utf8)[...]) }

    /// For callers that know what to expect and read it piece by piece, without a tree: `skipSpace`, `take`, `string`,
    /// `unsigned`. They check depth and repeated names themselves.
    package init(_ bytes: ArraySlice<UInt8>, allowsRepeatedNames: Bool = false) {
        self.bytes = bytes
        self.allowsRepeatedNames = allowsRepeatedNames
        position = bytes.startIndex
    }

    package func malformed(_ problem: String) -> Malformed {
        Malformed(offset: position - bytes.startIndex, problem: problem)
    }

    package var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    package mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    package mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(Malformed) -> JSONValue {
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
            return try number()
        case nil: throw malformed("expected a value, found the end")
        default: throw malformed("expected a value")
        }
    }

    /// Skips one value of any kind and keeps nothing of it; repeated names in it are not detected.
    package mutating func skipValue() throws(Malformed) { try skipValue(depth: 0) }

    private mutating func skipValue(depth: Int) throws(Malformed) {
        guard let opening = next, opening == UInt8(ascii: "{") || opening == UInt8(ascii: "[") else {
            _ = try value(depth: depth)
            return
        }
        if depth >= JSONParser.maximumDepth { throw malformed("nested too deeply") }
        let isObject = opening == UInt8(ascii: "{")
        let closing = UInt8(ascii: isObject ? "}" : "]")
        position += 1
        skipSpace()
        if take(closing) { return }
        while true {
            skipSpace()
            if isObject {
                guard next == UInt8(ascii: "\"") else { throw malformed("expected a name in quotes") }
                _ = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw malformed("expected ':'") }
                skipSpace()
            }
            try skipValue(depth: depth + 1)
            skipSpace()
            if take(closing) { return }
            guard take(UInt8(ascii: ",")) else { throw malformed("expected ',' or the end") }
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Malformed) -> JSONValue {
        let expected = Array(word.description.utf8)
        guard bytes[position...].starts(with: expected) else { throw malformed("expected a value") }
        position += expected.count
        return value
    }

    private mutating func object(depth: Int) throws(Malformed) -> JSONValue {
        if depth >= JSONParser.maximumDepth { throw malformed("nested too deeply") }
        position += 1
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw malformed("expected a name in quotes") }
            let name = try string()
            guard allowsRepeatedNames || names.insert(name).inserted else { throw malformed("repeated name") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw malformed("expected ':'") }
            skipSpace()
            members.append(.init(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw malformed("expected ',' or '}'") }
        }
    }

    private mutating func array(depth: Int) throws(Malformed) -> JSONValue {
        if depth >= JSONParser.maximumDepth { throw malformed("nested too deeply") }
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw malformed("expected ',' or ']'") }
        }
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func number() throws(Malformed) -> JSONValue {
        let start = position
        var isWhole = true
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")), digits() == 0 { throw malformed("expected a digit") }
        if take(UInt8(ascii: ".")) {
            isWhole = false
            if digits() == 0 { throw malformed("expected a digit") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            if digits() == 0 { throw malformed("expected a digit") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw malformed("number too large") }
        return .number(value)
    }

    /// An integer from 0 to 2⁶⁴ − 1, without sign, fraction or exponent.
    package mutating func unsigned() throws(Malformed) -> UInt64 {
        let start = position
        if !take(UInt8(ascii: "0")), digits() == 0 { throw malformed("expected a digit") }
        var value: UInt64 = 0
        for digit in bytes[start..<position] {
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            if isTooLarge || isTooLargeNow { throw malformed("number too large") }
            value = sum
        }
        return value
    }

    /// The next byte is its opening quote.
    package mutating func string() throws(Malformed) -> String {
        guard take(UInt8(ascii: "\"")) else { throw malformed("expected a string") }
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw malformed("unterminated string") }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("a string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                position += 1
                try escape(&text)
            case 0..<0x20:
                throw malformed("unescaped control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape(_ text: inout [UInt8]) throws(Malformed) {
        guard let byte = next else { throw malformed("unterminated string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourDigits()
            if (0xd800..<0xdc00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw malformed("half of a surrogate pair")
                }
                let low = try fourDigits()
                guard (0xdc00..<0xe000).contains(low) else { throw malformed("half of a surrogate pair") }
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw malformed("half of a surrogate pair") }
            text += String(scalar).utf8
        default: throw malformed("unknown escape")
        }
    }

    private mutating func fourDigits() throws(Malformed) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt32
            switch next {
            case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
                digit = UInt32(byte - UInt8(ascii: "0"))
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte):
                digit = UInt32(byte - UInt8(ascii: "a")) + 10
            case .some(let byte) where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte):
                digit = UInt32(byte - UInt8(ascii: "A")) + 10
            default: throw malformed("expected four hexadecimal digits")
            }
            code = code << 4 | digit
            position += 1
        }
        return code
    }
}
