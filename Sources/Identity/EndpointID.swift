/// The name of a machine: its raw Ed25519 public key, written so that people can read it over the phone.
///
/// Text form (69 characters): `PP-`, 13 groups of 4 Crockford base32 symbols separated by `-`, and one check symbol.
/// The 52 symbols carry the 256 bits of the key, most significant bit first, and 4 zero bits of padding.
public struct EndpointID: Sendable, Hashable {
    /// Length of an Ed25519 public key in bytes (RFC 8032, 5.1.5).
    public static let keyLength = 32
    /// Symbols that carry the key: 256 bits in groups of 5, rounded up.
    package static let symbolCount = 52
    static let groupLength = 4
    static let prefix = "PP"
    static let alphabet = [UInt8]("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// The raw public key, always ``keyLength`` bytes.
    public let publicKey: [UInt8]

    /// Returns nil unless `publicKey` has exactly ``keyLength`` bytes and can prove an identity. A point of small order
    /// cannot: anyone can sign for it.
    public init?(publicKey: some Collection<UInt8>) {
        guard publicKey.count == Self.keyLength, !Self.isWeak(publicKey) else { return nil }
        self.publicKey = Array(publicKey)
    }

    /// A claimed key, neither checked nor proven.
    package init?(unproven publicKey: some Collection<UInt8>) {
        guard publicKey.count == Self.keyLength else { return nil }
        self.publicKey = Array(publicKey)
    }

    var symbols: [UInt8] {
        var symbols: [UInt8] = []
        symbols.reserveCapacity(Self.symbolCount)
        var accumulator: UInt32 = 0
        var bits = 0
        for byte in publicKey {
            accumulator = (accumulator << 8) | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                symbols.append(UInt8((accumulator >> UInt32(bits)) & 31))
            }
            accumulator &= (1 << UInt32(bits)) - 1
        }
        symbols.append(UInt8((accumulator << UInt32(5 - bits)) & 31))
        return symbols
    }

    /// Luhn mod 32: from the right, factors 2, 1, 2, 1…; each product adds its two base-32 digits.
    static func checkSymbol(of symbols: some BidirectionalCollection<UInt8>) -> UInt8 {
        var sum = 0
        var factor = 2
        for symbol in symbols.reversed() {
            let product = Int(symbol) * factor
            sum += product / 32 + product % 32
            factor = factor == 2 ? 1 : 2
        }
        return UInt8((32 - sum % 32) % 32)
    }
}

extension EndpointID: CustomStringConvertible {
    public var description: String {
        let symbols = self.symbols
        var text: [UInt8] = Array(Self.prefix.utf8)
        for (index, symbol) in symbols.enumerated() {
            if index % Self.groupLength == 0 { text.append(UInt8(ascii: "-")) }
            text.append(Self.alphabet[Int(symbol)])
        }
        text.append(UInt8(ascii: "-"))
        text.append(Self.alphabet[Int(Self.checkSymbol(of: symbols))])
        return String(decoding: text, as: UTF8.self)
    }
}

extension EndpointID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            self = try EndpointID(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
