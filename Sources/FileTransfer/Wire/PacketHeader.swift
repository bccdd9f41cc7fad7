/// The sealed fields in front of a packet's payload: sections 3 and 4 of `Docs/COURIER-PROTOCOL.md`.
package struct PacketHeader: Equatable, Sendable {
    /// Bytes in front of the sealed ones: connection ID and masked packet number.
    package static let openLength = 16
    /// Bytes in front of the payload.
    package static let length = 36
    /// Bytes of a packet beside its payload.
    package static let overhead = length + tagLength
    package static let tagLength = 16

    package var type: UInt8
    package var flags: PacketFlags
    package var stream: UInt16
    package var sequence: UInt32
    package var offset: UInt64
    package var payloadLength: Int
    /// How often the stream's number was used before, mod 2¹⁶.
    package var use: UInt16

    package init(
        _ type: PacketType,
        flags: PacketFlags = [],
        stream: UInt16 = 0,
        number: UInt64,
        offset: UInt64 = 0,
        payloadLength: Int,
        use: UInt16 = 0
    ) {
        self.type = type.rawValue
        self.flags = flags
        self.stream = stream
        sequence = UInt32(truncatingIfNeeded: number)
        self.offset = offset
        self.payloadLength = payloadLength
        self.use = use
    }

    /// Parses an opened packet, without its tag. Nil if its payload ends outside.
    @inline(__always)
    package init?(_ packet: RawSpan) {
        guard packet.byteCount >= Self.length else { return nil }
        type = packet.bigEndian(at: 16, as: UInt8.self)
        flags = PacketFlags(rawValue: packet.bigEndian(at: 17, as: UInt8.self))
        stream = packet.bigEndian(at: 18, as: UInt16.self)
        sequence = packet.bigEndian(at: 20, as: UInt32.self)
        offset = packet.bigEndian(at: 24, as: UInt64.self)
        payloadLength = Int(packet.bigEndian(at: 32, as: UInt16.self))
        use = packet.bigEndian(at: 34, as: UInt16.self)
        guard payloadLength <= packet.byteCount - Self.length else { return nil }
    }

    /// Writes the fields into a packet of at least `length` bytes.
    @inline(__always)
    package func write(to packet: inout MutableRawSpan) {
        packet.store(bigEndian: type, at: 16)
        packet.store(bigEndian: flags.rawValue, at: 17)
        packet.store(bigEndian: stream, at: 18)
        packet.store(bigEndian: sequence, at: 20)
        packet.store(bigEndian: offset, at: 24)
        packet.store(bigEndian: UInt16(truncatingIfNeeded: payloadLength), at: 32)
        packet.store(bigEndian: use, at: 34)
    }
}

package enum PacketType: UInt8, Sendable {
    case data = 0x01
    case ack = 0x02
    case control = 0x03
    case rekey = 0x04
    case ping = 0x05
    case pong = 0x06
    case close = 0x07
    case pad = 0x08
    case streamOpen = 0x09
    case streamClose = 0x0A
    case streamReset = 0x0B
    case windowUpdate = 0x0C
    case goAway = 0x0D
    case pathChallenge = 0x0E
    case pathResponse = 0x0F

    /// Types that a later version may use, and that are skipped.
    static let extensions: ClosedRange<UInt8> = 0x20...0x3F

    /// Whether the peer must acknowledge it.
    var elicitsAcknowledgment: Bool {
        switch self {
        case .ack, .pad, .close: false
        default: true
        }
    }
}

package struct PacketFlags: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let syn = PacketFlags(rawValue: 0x01)
    package static let fin = PacketFlags(rawValue: 0x02)
    package static let priority = PacketFlags(rawValue: 0x08)
    package static let compressed = PacketFlags(rawValue: 0x10)
    package static let critical = PacketFlags(rawValue: 0x20)
    package static let acknowledgeNow = PacketFlags(rawValue: 0x40)
    package static let ecn = PacketFlags(rawValue: 0x80)
}

/// Why a session ends, as CLOSE says it.
package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let done = CloseCode(rawValue: 0)
    package static let violation = CloseCode(rawValue: 1)
    package static let internalError = CloseCode(rawValue: 2)
    package static let canceled = CloseCode(rawValue: 3)
    package static let refused = CloseCode(rawValue: 4)
    package static let idle = CloseCode(rawValue: 5)
    package static let shuttingDown = CloseCode(rawValue: 6)
    package static let keysUsedUp = CloseCode(rawValue: 7)
    package static let busy = CloseCode(rawValue: 8)
}
