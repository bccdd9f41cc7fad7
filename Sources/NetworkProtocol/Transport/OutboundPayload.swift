/// A message as it goes into a packet, before it is sealed.
enum OutboundPayload: Sendable {
    /// To be written in bincode, straight to where packets are put together; so many bytes.
    case message(Message, length: Int)
    case bytes([UInt8], PacketFlags)
}

/// How the messages of a connection become payloads: written in a format, and compressed where that is worth it.
struct PayloadEncoding: Sendable {
    /// Bytes of a message, in bincode, from which on compressing it or writing it in another format takes a thread's time that nobody
    /// else may be kept waiting for: not a lock's holder, not an event loop. (At Zstandard's highest level some 10 ms for each 16 KiB.)
    static let longLength = 4096

    /// Bincode until the connection is open.
    var format = MessageFormat.bincode
    /// Nil until the connection is open: what the handshake says is never compressed.
    var compression: ConnectionOptions.Compression?
    /// What sealing adds.
    var tagLength = 0
    let limit: Int
    let metrics: ConnectionMetrics

    init(options: ConnectionOptions, metrics: ConnectionMetrics) {
        limit = options.effectiveMaximumPayloadLength
        self.metrics = metrics
    }

    /// Whether encoding this message takes long.
    func isLong(_ message: Message) -> Bool {
        guard format != .bincode || compression != nil else { return false }
        let length = message.bincodeLength
        guard length >= PayloadEncoding.longLength else { return false }
        if format != .bincode { return true }
        return compression.map { length >= $0.threshold } ?? false
    }

    func encode(_ message: Message) throws(ConnectionError) -> OutboundPayload {
        if format == .bincode {
            let length = message.bincodeLength
            try check(length)
            guard let compression, length >= compression.threshold else { return .message(message, length: length) }
            return compress(message.payload(), with: compression) ?? .message(message, length: length)
        }
        let payload = message.payload(in: format)
        try check(payload.count)
        guard let compression, payload.count >= compression.threshold else { return .bytes(payload, []) }
        return compress(payload, with: compression) ?? .bytes(payload, [])
    }

    /// The same, on a thread for such work when it takes long.
    func encodeElsewhere(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        guard isLong(message) else { return try encode(message) }
        return try await PayloadWork.run { () throws(ConnectionError) in try encode(message) }
    }

    /// What is too long even before it is compressed would not be accepted after it: the limit is the message's too.
    private func check(_ length: Int) throws(ConnectionError) {
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
