internal import Cryptography
internal import NIOCore

/// Frames payloads into one buffer, each byte written once, with room for a tag behind each one that the event loop
/// will seal.
struct PacketWriter {
    private(set) var buffer = ByteBuffer()
    /// Whether what is written from here on will be sealed. Such packets are marked so in their headers.
    var isSealed = false

    /// The bytes written since the last call.
    mutating func take() -> ByteBuffer {
        let taken = buffer
        buffer = ByteBuffer()
        return taken
    }

    mutating func append(_ payload: OutboundPayload) {
        let flags: PacketFlags = isSealed ? .encrypted : []
        switch payload {
        case .message(let message, let length): write(flags, length: length) { message.writeBincode(to: &$0) }
        case .bytes(let bytes, let compression):
            write(flags.union(compression), length: bytes.count) { $0.append(bytes) }
        }
    }

    private mutating func write(_ flags: PacketFlags, length: Int, _ body: (inout ByteBuffer) -> Void) {
        let total = length + (isSealed ? RecordCipher.tagLength : 0)
        // The length was compared with the limit, which is never above a header's.
        guard let header = try? PacketHeader(flags: flags, payloadLength: total) else { return }
        buffer.reserveCapacity(minimumWritableBytes: PacketHeader.length + total)
        header.write(to: &buffer)
        body(&buffer)
        if isSealed { buffer.writeRepeatingByte(0, count: RecordCipher.tagLength) }
    }
}
