internal import Cryptography
internal import NIOCore

/// A message as it goes into a packet, before it is sealed.
enum OutboundPayload: Sendable {
    /// To be written in bincode, directly to where packets are built; with its length in bytes.
    case message(Message, length: Int)
    case bytes([UInt8], PacketFlags)
    /// A whole packet, with room for a tag if it will be sealed.
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

/// How a connection's messages become payloads: encoded in a format, and compressed where that helps.
struct PayloadEncoding: Sendable {
    /// Messages of at least this many bytes in bincode take long to compress, or to encode in another format: so long
    /// that it must not happen on a thread that other tasks wait for, such as an event loop's. (Zstandard's highest
    /// level takes some 10 ms for each 16 KiB.)
    static let longLength = 4096
    /// Messages of at least this many bytes in bincode become packets on the sender's side, not on the event loop that
    /// writes them.
    static let packetLength = 8192

    var format: MessageFormat
    let compression: ConnectionOptions.Compression?
    /// Whether packets will be sealed after they are taken.
    let isSealed: Bool
    let limit: Int
    let metrics: ConnectionMetrics
    /// Memory for packets.
    let buffers: PacketBuffers

    init(options: ConnectionOptions, isSealed: Bool, metrics: ConnectionMetrics, buffers: PacketBuffers) {
        format = options.format
        compression = options.compression
        self.isSealed = isSealed
        limit = options.effectiveMaximumPayloadLength
        self.metrics = metrics
        self.buffers = buffers
    }

    /// The bytes that sealing adds.
    var tagLength: Int { isSealed ? RecordCipher.tagLength : 0 }

    /// Whether the event loop should encode a message of this many bytes in bincode, together with others.
    func isPlain(_ length: Int) -> Bool {
        format == .bincode && length < PayloadEncoding.packetLength && !isCompressed(length)
    }

    /// Whether it takes long to encode a message of this many bytes in bincode.
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

    /// The same, on a thread for long payloads if it takes long.
    func encodeElsewhere(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        guard isLong(message.bincodeLength) else { return try encode(message) }
        return try await PayloadWork.run { () throws(ConnectionError) in try encode(message) }
    }

    private func packet(_ message: Message, length: Int) -> ByteBuffer {
        var writer = PacketWriter(reusing: buffers.take(PacketHeader.length + length + tagLength))
        writer.append(message, length: length, isSealed: isSealed)
        return writer.buffer
    }

    /// A message that is too long before compression would be refused after it: the limit is also the message's.
    func check(_ length: Int) throws(ConnectionError) {
        guard length + tagLength <= limit else { throw .messageTooLong(length: length + tagLength, limit: limit) }
    }

    /// Nil if the payload would not be smaller.
    private func compress(
        _ payload: [UInt8],
        with compression: ConnectionOptions.Compression
    ) -> OutboundPayload? {
        guard let compressed = PayloadCompression.compress(payload, with: compression) else { return nil }
        metrics.compressed(from: payload.count, to: compressed.count)
        return .bytes(compressed, compression.algorithm.flag)
    }
}
