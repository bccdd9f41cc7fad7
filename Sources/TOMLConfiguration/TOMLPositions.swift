/// The positions of keys and sections in a TOML text, which the parser does not report.
///
/// A scanner, not a parser: it knows just enough TOML to distinguish keys from values: headers, dotted and quoted keys,
/// comments, all four kinds of strings, multi-line arrays and inline tables. It runs before the parser and keeps away
/// from it what the parser does not survive: `hazard`. In text that is not TOML it may find wrong positions; the
/// parser's error then replaces them.
struct TOMLPositions: Sendable {
    struct Position: Equatable, Sendable {
        /// From 1.
        var line: Int
        /// In bytes, from 1.
        var column: Int
    }

    /// The first position of each key path, tables included.
    private(set) var places: [[String]: Position] = [:]
    /// The first thing that must not reach the parser (toml++ 3.4 behind TOMLKit 0.6): a header without a key or a
    /// value that is missing or malformed (assertions fail); the character U+0000 (its C interface cuts the text
    /// there); a carriage return within a line; nesting that overflows its stack. Dates and times are refused as well:
    /// no key of ours uses one.
    private(set) var hazard: (position: Position, problem: String, remedy: String)?

    /// Deepest nesting of values, and most parts of a key including those that enclose it. Our files have two.
    static let maximumDepth = 32

    /// What ends a number, a boolean or a date, and cannot start a value.
    private static let valueEnds = Array(",]}#\n".utf8)

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var lineStart = 0

    init(scanning text: [UInt8]) {
        bytes = text
        // The parser skips a byte order mark as well.
        if text.starts(with: [0xef, 0xbb, 0xbf]) {
            index = 3
            lineStart = 3
        }
        scan()
    }

    subscript(path: [String]) -> Position? { places[path] }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private var position: Position { Position(line: line, column: index - lineStart + 1) }

    private mutating func advance() {
        if bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        index += 1
    }

    private mutating func skipSpace(overLines: Bool) {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): advance()
            case UInt8(ascii: "\r"):
                // TOML allows it only at the end of a line; elsewhere the parser reads it as a key or a value.
                if index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: "\n") {
                    note(position, "invalid carriage return within a line", "remove it, or end the line with it")
                }
                advance()
            case UInt8(ascii: "\n") where overLines: advance()
            case UInt8(ascii: "#") where overLines: skipLine()
            default: return
            }
        }
    }

    private mutating func skipLine() {
        while let byte = next, byte != UInt8(ascii: "\n") { advance() }
    }

    private mutating func scan() {
        var section: [String] = []
        while true {
            skipSpace(overLines: true)
            guard let byte = next else { return }
            let start = position
            if byte == UInt8(ascii: "[") {
                section = header()
                record(section, start)
                skipLine()
            } else {
                assignment(in: section, depth: 0)
                skipLine()
            }
        }
    }

    /// The part between `[` or `[[` and the closing bracket.
    private mutating func header() -> [String] {
        advance()
        skipSpace(overLines: false)
        if next == UInt8(ascii: "[") { advance() }
        skipSpace(overLines: false)
        let isName =
            next.map { TOMLPositions.isBare($0) || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") } ?? false
        if !isName { note(position, "expected the name of a section") }
        return key()
    }

    private mutating func note(_ position: Position, _ problem: String, _ remedy: String = "") {
        hazard = hazard ?? (position, problem, remedy)
    }

    private mutating func record(_ path: [String], _ position: Position) {
        for length in stride(from: 1, through: path.count, by: 1) where places[Array(path.prefix(length))] == nil {
            places[Array(path.prefix(length))] = position
        }
    }

    private mutating func assignment(in path: [String], depth: Int) {
        let start = position
        let path = path + key()
        if path.count > TOMLPositions.maximumDepth {
            // Every prefix is recorded: a few kilobytes of nested dotted keys would take minutes.
            note(start, "nested too deeply: must be at most \(TOMLPositions.maximumDepth) levels")
            index = bytes.count
            return
        }
        record(path, start)
        skipSpace(overLines: false)
        if next == UInt8(ascii: "=") {
            advance()
            value(of: path, depth: depth)
        }
    }

    /// A dotted key; stops at the first byte that is not part of it.
    private mutating func key() -> [String] {
        var parts: [String] = []
        while true {
            if parts.count > TOMLPositions.maximumDepth {
                note(position, "this key has too many parts: must be at most \(TOMLPositions.maximumDepth)")
                return []
            }
            skipSpace(overLines: false)
            switch next {
            case UInt8(ascii: "\""): parts.append(string(quote: UInt8(ascii: "\"")))
            case UInt8(ascii: "'"): parts.append(string(quote: UInt8(ascii: "'")))
            default:
                let start = index
                while let byte = next, TOMLPositions.isBare(byte) { advance() }
                parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
            }
            skipSpace(overLines: false)
            guard next == UInt8(ascii: ".") else { return parts }
            advance()
        }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func value(of path: [String], depth: Int) {
        if depth > TOMLPositions.maximumDepth {
            note(position, "nested too deeply: must be at most \(TOMLPositions.maximumDepth) levels")
            index = bytes.count
            return
        }
        skipSpace(overLines: false)
        if next.map({ TOMLPositions.valueEnds.contains($0) }) ?? true { note(position, "expected a value") }
        switch next {
        case UInt8(ascii: "\""): skipString(quote: UInt8(ascii: "\""))
        case UInt8(ascii: "'"): skipString(quote: UInt8(ascii: "'"))
        case UInt8(ascii: "["):
            elements(until: UInt8(ascii: "]")) { $0.value(of: path, depth: depth + 1) }
        case UInt8(ascii: "{"):
            elements(until: UInt8(ascii: "}")) { $0.assignment(in: path, depth: depth + 1) }
        default:
            let (start, first) = (position, index)
            while let byte = next, !TOMLPositions.valueEnds.contains(byte) { advance() }
            if !TOMLWord.isKnown(bytes[first..<index]) {
                note(start, "invalid value: must be a number, true or false", "put a string in quotes")
            }
        }
    }

    /// The elements between brackets, separated by commas.
    private mutating func elements(until end: UInt8, _ element: (inout TOMLPositions) -> Void) {
        advance()
        while true {
            skipSpace(overLines: true)
            guard let byte = next else { return }
            if byte == end {
                advance()
                return
            }
            let before = index
            if byte == UInt8(ascii: ",") { advance() } else { element(&self) }
            // Nothing was consumed: the parser did not accept this text. Do not loop forever.
            if index == before { advance() }
        }
    }

    private mutating func skipString(quote: UInt8) {
        guard bytes[index...].starts(with: [quote, quote, quote]) else {
            _ = string(quote: quote)
            return
        }
        for _ in 0..<3 { advance() }
        while let byte = next {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                _ = escape()
            } else if bytes[index...].starts(with: [quote, quote, quote]) {
                for _ in 0..<3 { advance() }
                // Up to two more quotes belong to the end of the content.
                while next == quote { advance() }
                return
            } else {
                advance()
            }
        }
    }

    /// A string on one line, without its quotes.
    private mutating func string(quote: UInt8) -> String {
        advance()
        var content: [UInt8] = []
        while let byte = next, byte != quote, byte != UInt8(ascii: "\n") {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                content += escape()
            } else {
                content.append(byte)
                advance()
            }
        }
        if next == quote { advance() }
        return String(decoding: content, as: UTF8.self)
    }

    /// An escape of a basic string, as UTF-8.
    private mutating func escape() -> [UInt8] {
        let start = position
        advance()
        guard let byte = next else { return [] }
        advance()
        switch byte {
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "e"): return [0x1b]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let digits = bytes[index...].prefix(byte == UInt8(ascii: "u") ? 4 : 8)
            guard let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else { return [] }
            for _ in digits { advance() }
            if code == 0 { note(start, "the character U+0000 is not allowed", "remove it") }
            return Unicode.Scalar(code).map { Array(String($0).utf8) } ?? []
        default: return [byte]
        }
    }
}
