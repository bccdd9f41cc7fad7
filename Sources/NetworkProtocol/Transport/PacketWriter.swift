internal import Cryptography
internal import NIOCore

/// Seals and frames payloads into one buffer, each byte written once.
struct PacketWriter: ~Copyable {
    private(set) var buffer = ByteBuffer()
    private var sealer: RecordSealer?

    /// Everything from here on is sealed.
    mutating func seal(with secret: Secret) { sealer = RecordSealer(secret: secret, now: .now) }

    /// The bytes written since the last call.
    mutating func take() -> ByteBuffer {
        let taken = buffer
        buffer = ByteBuffer()
        return taken
    }

    mutating func append(_ payload: OutboundPayload) {
        if sealer?.mustRekey(now: .now) ?? false { rekey() }
        let flags: PacketFlags = sealer == nil ? [] : .encrypted
        switch payload {
        case .message(let message, let length): write(flags, length: length) { message.writeBincode(to: &$0) }
        case .bytes(let bytes, let compression):
            write(flags.union(compression), length: bytes.count) { $0.append(bytes) }
        }
    }

    private mutating func rekey() {
        write(.encrypted, length: 0) { _ in }
        sealer?.rekey(now: .now)
    }

    private mutating func write(_ flags: PacketFlags, length: Int, _ body: (inout ByteBuffer) -> Void) {
        let isSealed = sealer != nil
        let total = length + (isSealed ? RecordCipher.tagLength : 0)
        // The length was compared with the limit, which is never above a header's.
        guard let header = try? PacketHeader(flags: flags, payloadLength: total) else { return }
        let start = buffer.writerIndex - buffer.readerIndex
        buffer.reserveCapacity(minimumWritableBytes: PacketHeader.length + total)
        header.write(to: &buffer)
        body(&buffer)
        guard isSealed else { return }
        buffer.writeRepeatingByte(0, count: RecordCipher.tagLength)
        PacketWriter.seal(&buffer, from: start + PacketHeader.length, header, &sealer)
    }

    private static func seal(
        _ buffer: inout ByteBuffer,
        from start: Int,
        _ header: PacketHeader,
        _ sealer: inout RecordSealer?
    ) {
        let bytes = header.inlineBytes
        var written = buffer.mutableReadableBytesSpan
        var record = written._mutatingExtracting(start...)
        // A header is ten plain bytes.
        sealer?.seal(&record, header: unsafe bytes.span.bytes)
    }
}
