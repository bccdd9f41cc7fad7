internal import Cryptography
internal import NIOCore

/// Serialises, compresses, seals and frames messages into one buffer, each byte written once.
struct PacketWriter: ~Copyable {
    private(set) var buffer = ByteBuffer()
    private var sealer: RecordSealer?
    private let limit: Int
    /// Nil until the connection is open: what the handshake says is never compressed.
    private var compression: ConnectionOptions.Compression?
    private let metrics: ConnectionMetrics

    init(options: ConnectionOptions, metrics: ConnectionMetrics) {
        limit = options.effectiveMaximumPayloadLength
        self.metrics = metrics
    }

    /// Everything from here on is sealed.
    mutating func seal(with secret: [UInt8]) { sealer = RecordSealer(secret: secret, now: .now) }

    /// Everything from here on may be compressed.
    mutating func compress(with compression: ConnectionOptions.Compression?) { self.compression = compression }

    /// The bytes written since the last call.
    mutating func take() -> ByteBuffer {
        let taken = buffer
        buffer = ByteBuffer()
        return taken
    }

    mutating func append(_ message: Message, in format: MessageFormat) throws(ConnectionError) {
        let tag = sealer == nil ? 0 : RecordCipher.tagLength
        var flags: PacketFlags = sealer == nil ? [] : .encrypted
        var payload: [UInt8]?
        var length: Int
        if format == .bincode {
            length = message.bincodeLength
        } else {
            payload = message.payload(in: format)
            length = payload?.count ?? 0
        }
        // What is too long even before it is compressed would not be accepted after it: the limit is the message's too.
        guard length + tag <= limit else { throw .messageTooLong(length: length + tag, limit: limit) }
        if let compression, length >= compression.threshold,
            let compressed = compress(payload ?? message.payload(), with: compression)
        {
            flags.insert(compression.algorithm.flag)
            metrics.compressed(from: length, to: compressed.count)
            length = compressed.count
            payload = compressed
        }
        if sealer?.mustRekey(now: .now) ?? false { rekey() }
        write(flags, length: length) { buffer in
            if let payload { buffer.append(payload) } else { message.writeBincode(to: &buffer) }
        }
    }

    private func compress(_ payload: [UInt8], with compression: ConnectionOptions.Compression) -> [UInt8]? {
        PayloadCompression.compress(payload, with: compression)
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
