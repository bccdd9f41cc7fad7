/// What a packet carried, out of its record.
struct InboundPayload: Sendable {
    private var payload: [UInt8]
    /// How it is compressed, if it is.
    private let flags: PacketFlags
    /// Longest payload that is accepted, in bytes, also after it is decompressed.
    private let limit: Int

    /// A message, how it was written, and its bytes.
    struct Content: Sendable {
        let message: Message
        let format: MessageFormat
        let bytes: Int
    }

    init(_ payload: consuming [UInt8], flags: PacketFlags, limit: Int) {
        self.payload = payload
        self.flags = flags
        self.limit = limit
    }

    /// How many bytes must be made or looked at one by one to read it: what it claims to be when it is decompressed, and no less than it is
    /// now, as a frame can be long and stand for little; or its own length where it is not in bincode. 0 for what is only copied.
    func work() throws(ConnectionError) -> Int {
        if !flags.isEmpty {
            return max(payload.count, try PayloadCompression.claimedLength(payload, flags: flags, limit: limit))
        }
        guard let first = payload.first else { return 0 }
        switch MessageFormat(markOf: payload.span, first: first) {
        case .json, .messagePack: return payload.count
        case .bincode, nil: return 0
        }
    }

    consuming func read() throws(ConnectionError) -> Content {
        var payload = payload
        // Nobody else holds the bytes: they become the message's own.
        self.payload = []
        if !flags.isEmpty { payload = try PayloadCompression.decompress(payload, flags: flags, limit: limit) }
        let bytes = payload.count
        do throws(MessageError) {
            let (message, format) = try Message.read(payload)
            return Content(message: message, format: format, bytes: bytes)
        } catch {
            throw .malformedMessage(error)
        }
    }
}
