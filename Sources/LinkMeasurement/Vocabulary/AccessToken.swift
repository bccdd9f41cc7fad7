/// The 16 bytes that a grant gives to one client, which may then use the session's ports. A secret: it never appears in
/// a description, so it cannot end up in a log by accident.
///
/// Public, because only public bodies are inlined into other modules' loops.
public struct AccessToken: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    package static let byteCount = 16

    @usableFromInline let high: UInt64
    @usableFromInline let low: UInt64

    @inlinable @inline(__always)
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new token from the system's random number generator.
    package static func random() -> AccessToken {
        var generator = SystemRandomNumberGenerator()
        return AccessToken(high: generator.next(), low: generator.next())
    }

    /// Exactly 16 bytes, or nil.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
        )
    }

    /// Exactly 32 hexadecimal digits of either case, or nil.
    package init?(hex: String) {
        var digits: [UInt8] = []
        for character in hex.utf8.prefix(33) {
            guard let digit = Self.digit(character) else { return nil }
            digits.append(digit)
        }
        guard digits.count == 32 else { return nil }
        self.init(
            high: digits.prefix(16).reduce(0) { $0 << 4 | UInt64($1) },
            low: digits.dropFirst(16).reduce(0) { $0 << 4 | UInt64($1) }
        )
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }

    /// The 32 lower-case hexadecimal digits that a grant carries.
    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for half in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: half >> shift)) }
        }
        return bytes
    }

    public var description: String { "AccessToken(…)" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Takes the same time for all tokens.
    @inlinable @inline(__always)
    public static func == (left: AccessToken, right: AccessToken) -> Bool {
        left.difference(right) == 0
    }

    /// 0 exactly if the tokens are equal.
    @inlinable @inline(__always)
    public func difference(_ other: AccessToken) -> UInt64 {
        (high ^ other.high) | (low ^ other.low)
    }
}
