/// Why bytes are not a packet. Nothing after them on the connection can be read.
public enum PacketError: Error, Sendable, Hashable {
    /// The byte at `offset` of the header is not the magic number's.
    case wrongMagic(offset: Int, found: UInt8)
    /// A version that this side does not support.
    case unsupportedVersion(UInt8)
    /// A bit without meaning is set, or both compressions are named.
    case invalidFlags(UInt8)
    /// Both in bytes.
    case payloadTooLong(length: Int, limit: Int)
}

extension PacketError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongMagic(let offset, let found):
            "byte \(offset) of a packet is \(hex(found)) where \(hex(PacketHeader.magic[min(offset, 3)])) was expected: "
                + "the other side does not speak this protocol, or speaks TLS where this side does not"
        case .unsupportedVersion(let version):
            "the packet has version \(version), and this side speaks version \(PacketHeader.version) only"
        case .invalidFlags(let flags):
            "the packet's flags are \(hex(flags)): bits 3 to 7 must be 0, and bits 0 and 1 exclude each other"
        case .payloadTooLong(let length, let limit):
            "the packet claims a payload of \(length) bytes, and \(limit) are allowed here"
        }
    }

    private func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "0x" + (digits.count == 1 ? "0" : "") + digits
    }
}
