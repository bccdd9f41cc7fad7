/// Why a string is not an Endpoint ID, for the person who typed it.
public enum EndpointIDError: Error, Equatable, CustomStringConvertible {
    /// It does not start with `PP-`.
    case missingPrefix
    /// The number of symbols after `PP-`, too few or too many.
    case wrongLength(found: Int)
    /// A character that no ID contains, and its group, counted from 1.
    case invalidSymbol(Character, group: Int)
    /// `suspects` are the groups (1…13) where a common misreading explains the wrong check symbol.
    case wrongCheckSymbol(suspects: [Int])
    /// The last symbol has padding bits set.
    case nonZeroPadding
    /// It names a point of small order, for which anyone can sign, or no point.
    case weakKey

    public var description: String {
        switch self {
        case .missingPrefix:
            "an Endpoint ID starts with \"PP-\""
        case .wrongLength(let found):
            "an Endpoint ID has \(EndpointID.symbolCount + 1) symbols after \"PP-\", this one has \(found)"
        case .invalidSymbol(let symbol, let group):
            "invalid symbol \(Self.shown(symbol)) in group \(group): must be a digit, or a letter other than I, L, O and U"
        case .wrongCheckSymbol(let suspects):
            switch suspects.count {
            case 0: "the check symbol does not match: a symbol is wrong, or two are swapped"
            case 1: "the check symbol does not match: check group \(suspects[0]) first"
            default:
                "the check symbol does not match: check groups "
                    + suspects.map(String.init).joined(separator: ", ") + " first"
            }
        case .nonZeroPadding:
            "the last symbol is wrong: it sets bits that no key has"
        case .weakKey:
            "this Endpoint ID is no valid machine key: anyone could sign for it"
        }
    }

    /// In quotes if it is plain ASCII; otherwise at most three of its code points, because it may come from a peer.
    private static func shown(_ symbol: Character) -> String {
        if let ascii = symbol.asciiValue, (0x21...0x7e).contains(ascii) { return "\"\(symbol)\"" }
        return symbol.unicodeScalars.prefix(3).map { "U+" + String($0.value, radix: 16, uppercase: true) }
            .joined(separator: " ")
    }
}

extension EndpointID {
    /// Parses an ID as people write it: either case, O for 0, I and L for 1, hyphens and spaces missing or extra.
    public init(parsing text: String) throws(EndpointIDError) {
        // An ID has 69 characters; a megabyte is not a typo.
        guard text.utf8.count <= 256 else { throw .wrongLength(found: text.utf8.count) }
        let characters = text.filter { !$0.isWhitespace && $0 != "-" }
        guard characters.prefix(2).uppercased() == Self.prefix else { throw .missingPrefix }
        let body = characters.dropFirst(2)

        var symbols: [UInt8] = []
        for (index, character) in body.enumerated() {
            guard let value = Self.value(of: character) else {
                throw .invalidSymbol(character, group: index / Self.groupLength + 1)
            }
            symbols.append(value)
        }
        guard symbols.count == Self.symbolCount + 1 else { throw .wrongLength(found: symbols.count) }

        let check = symbols.removeLast()
        guard Self.checkSymbol(of: symbols) == check else {
            throw .wrongCheckSymbol(suspects: Self.suspectGroups(in: symbols, check: check))
        }
        guard symbols[Self.symbolCount - 1] & 0b1111 == 0 else { throw .nonZeroPadding }
        let publicKey = Self.bytes(of: symbols)
        if Self.isWeak(publicKey) { throw .weakKey }
        self.publicKey = publicKey
    }

    private static func value(of character: Character) -> UInt8? {
        guard let ascii = character.asciiValue else { return nil }
        let upper = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(ascii) ? ascii - 32 : ascii
        switch upper {
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default: return alphabet.firstIndex(of: upper).map(UInt8.init)
        }
    }

    private static func bytes(of symbols: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(keyLength)
        var accumulator: UInt32 = 0
        var bits = 0
        for symbol in symbols {
            accumulator = (accumulator << 5) | UInt32(symbol)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8((accumulator >> UInt32(bits)) & 255))
                accumulator &= (1 << UInt32(bits)) - 1
            }
        }
        return bytes
    }

    /// Pairs that people confuse when they read aloud or from a screen.
    private static let confusable: [(Character, Character)] = [
        ("8", "B"), ("5", "S"), ("2", "Z"), ("6", "G"), ("0", "D"), ("0", "Q"), ("1", "7"), ("M", "N"), ("V", "Y"),
        ("B", "D"), ("P", "T"), ("C", "Z"), ("F", "S"), ("V", "W"),
    ]

    /// The groups where swapping two neighbors, or one common misreading, would make the check symbol match.
    private static func suspectGroups(in symbols: [UInt8], check: UInt8) -> [Int] {
        var groups: Set<Int> = []
        func tries(_ candidate: [UInt8], at index: Int) {
            if checkSymbol(of: candidate) == check, candidate[symbolCount - 1] & 0b1111 == 0 {
                groups.insert(index / groupLength + 1)
            }
        }
        for index in symbols.indices {
            if index + 1 < symbols.count, symbols[index] != symbols[index + 1] {
                var candidate = symbols
                candidate.swapAt(index, index + 1)
                tries(candidate, at: index)
            }
            for (one, other) in confusable {
                guard let a = value(of: one), let b = value(of: other) else { continue }
                for (from, to) in [(a, b), (b, a)] where symbols[index] == from {
                    var candidate = symbols
                    candidate[index] = to
                    tries(candidate, at: index)
                }
            }
        }
        return groups.sorted()
    }
}
