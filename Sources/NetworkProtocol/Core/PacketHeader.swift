/// The ten bytes before every payload.
///
///     0  4  magic DE AD BE EF
///     4  1  version 1
///     5  1  flags: bit 0 LZ4, bit 1 Zstandard, bit 2 encrypted; the others are 0
///     6  4  payload length in bytes, big endian, at most 16 777 216
public struct PacketHeader: Sendable, Hashable {
    /// Length of a header in bytes.
    public static let length = 10
    /// First bytes of every packet.
    public static let magic: [UInt8] = [0xDE, 0xAD, 0xBE, 0xEF]
    /// The only version.
    public static let version: UInt8 = 1
    /// Longest payload in bytes: 16 MiB.
    public static let maximumPayloadLength = 16 * 1024 * 1024

    /// How the payload was encoded.
    public let flags: PacketFlags
    /// In bytes, without the header, with the tag of a sealed record.
    public let payloadLength: Int

    private static let magicNumber: UInt32 = 0xDEAD_BEEF

    /// ``magic`` without an array.
    @inline(__always)
    private static func magicByte(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: magicNumber >> UInt32(24 - 8 * offset))
    }

    /// Throws ``PacketError/payloadTooLong(length:limit:)`` for a length beyond ``maximumPayloadLength``.
    public init(flags: PacketFlags, payloadLength: Int) throws(PacketError) {
        guard (0...PacketHeader.maximumPayloadLength).contains(payloadLength) else {
            throw .payloadTooLong(length: payloadLength, limit: PacketHeader.maximumPayloadLength)
        }
        self.flags = flags
        self.payloadLength = payloadLength
    }

    /// The header at `start`, where there are ``length`` bytes. The bytes are checked in order, like a stream's.
    init(reading input: Span<UInt8>, at start: Int, limit: Int) throws(PacketError) {
        for offset in 0..<4 where input[start + offset] != PacketHeader.magicByte(offset) {
            throw .wrongMagic(offset: offset, found: input[start + offset])
        }
        guard input[start + 4] == PacketHeader.version else { throw .unsupportedVersion(input[start + 4]) }
        flags = PacketFlags(rawValue: input[start + 5])
        guard flags.isValid else { throw .invalidFlags(flags.rawValue) }
        payloadLength =
            Int(input[start + 6]) << 24 | Int(input[start + 7]) << 16 | Int(input[start + 8]) << 8
            | Int(input[start + 9])
        guard payloadLength <= limit else { throw .payloadTooLong(length: payloadLength, limit: limit) }
    }

    /// The header's ten bytes; a sealed record authenticates them together with its payload.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PacketHeader.length)
        write(to: &bytes)
        return bytes
    }

    /// The same ten bytes, without an allocation.
    package var inlineBytes: InlineArray<10, UInt8> {
        let length = UInt32(payloadLength)
        return [
            0xDE, 0xAD, 0xBE, 0xEF, PacketHeader.version, flags.rawValue,
            UInt8(truncatingIfNeeded: length >> 24), UInt8(truncatingIfNeeded: length >> 16),
            UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
        ]
    }

    package func write(to sink: inout some ByteSink) {
        sink.append(bigEndian: PacketHeader.magicNumber)
        sink.append(PacketHeader.version)
        sink.append(flags.rawValue)
        sink.append(bigEndian: UInt32(payloadLength))
    }
}

/// How a payload was encoded before it became a packet.
public struct PacketFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// An LZ4 block after its uncompressed size.
    public static let lz4 = PacketFlags(rawValue: 1)
    /// One Zstandard frame with its content size.
    public static let zstd = PacketFlags(rawValue: 2)
    /// A sealed record.
    public static let encrypted = PacketFlags(rawValue: 4)

    /// The bits that mean something.
    static let known: PacketFlags = [.lz4, .zstd, .encrypted]

    /// Whether no unknown bit is set and at most one compression is named.
    var isValid: Bool { PacketFlags.known.isSuperset(of: self) && !isSuperset(of: [.lz4, .zstd]) }
}
