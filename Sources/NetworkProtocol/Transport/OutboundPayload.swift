internal import Cryptography
internal import NIOCore

/// A message as it goes into a packet, before it is sealed.
enum OutboundPayload: Sendable {
    /// To be written in bincode, straight to where packets are put together; so many bytes.
    case message(Message, length: Int)
    case bytes([UInt8], PacketFlags)
    /// A whole packet, with room for a tag where it will be sealed.
    case packet(ByteBuffer)

    /// Bytes of the packet.
    func packetLength(tag: Int) -> Int {
        switch self {
        case .message(_, let length): PacketHeader.length + length + tag
        case .bytes(let bytes, _): PacketHeader.length + bytes.count + tag
        case .packet(let packet): packet.readableBytes
        }
    }
}

/// How the messages of a connection become payloads: written in a format, and compressed where that is worth it.
struct PayloadEncoding: Sendable {
    /// Bytes of a message, in bincode, from which on compressing it or writing it in another format takes a thread's time that no
    /// other task may be kept waiting for: not an event loop. (At Zstandard's highest level some 10 ms for each 16 KiB.)
    static let longLength = 4096
    /// Bytes of a message, in bincode, from which on its sender makes the packet, and not the event loop that writes it.
    static let packetLength = 8192

    var format: MessageFormat
    let compression: ConnectionOptions.Compression?
    /// Whether packets will be sealed once they are taken.
    let isSealed: Bool
    let limit: Int
    let metrics: ConnectionMetrics

    init(options: ConnectionOptions, isSealed: Bool, metrics: ConnectionMetrics) {
        format = options.format
        compression = options.compression
        self.isSealed = isSealed
        limit = options.effectiveMaximumPayloadLength
        self.metrics = metrics
    }

    /// What sealing adds.
    var tagLength: Int { isSealed ? RecordCipher.tagLength : 0 }

    /// Whether a message of so many bytes in bincode is best written by the event loop, together with others.
    func isPlain(_ length: Int) -> Bool {
        format == .bincode && length < PayloadEncoding.packetLength && !isCompressed(length)
    }

    /// Whether encoding a message of so many bytes in bincode takes long.
    func isLong(_ length: Int) -> Bool {
        length >= PayloadEncoding.longLength && (format != .bincode || isCompressed(length))
    }

    private func isCompressed(_ length: Int) -> Bool { compression.map { length >= $0.threshold } ?? false }

    func encode(_ message: Message) throws(ConnectionError) -> OutboundPayload {
        if format == .bincode {
            let length = message.bincodeLength
            try check(length)
            if let compression, length >= compression.threshold,
                let compressed = compress(message.payload(), with: compression)
            {
                return compressed
            }
            return length < PayloadEncoding.packetLength
                ? .message(message, length: length) : .packet(packet(message, length: length))
        }
        let payload = message.payload(in: format)
        try check(payload.count)
        guard let compression, payload.count >= compression.threshold else { return .bytes(payload, []) }
        return compress(payload, with: compression) ?? .bytes(payload, [])
    }

    /// The same, on a thread for such work when it takes long.
    func encodeElsewhere(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        guard isLong(message.bincodeLength) else { return try encode(message) }
        return try await PayloadWork.run { () throws(ConnectionError) in try encode(message) }
    }

    private func packet(_ message: Message, length: Int) -> ByteBuffer {
        var writer = PacketWriter()
        writer.append(message, length: length, isSealed: isSealed)
        return writer.buffer
    }

    /// What is too long even before it is compressed would not be accepted after it: the limit is the message's too.
    func check(_ length: Int) throws(ConnectionError) {
        guard length + tagLength <= limit else { throw .messageTooLong(length: length + tagLength, limit: limit) }
    }

    /// Nil when the payload would not be smaller.
    private func compress(
        _ payload: [UInt8],
        with compression: ConnectionOptions.Compression
    ) -> OutboundPayload? {
        guard let compressed = PayloadCompression.compress(payload, with: compression) else { return nil }
        metrics.compressed(from: payload.count, to: compressed.count)
        return .bytes(compressed, compression.algorithm.flag)
    }
}
