/// A packet's payload, after its record was opened.
struct InboundPayload: Sendable {
    private enum Bytes {
        /// Those of any message, maybe compressed.
        case encoded([UInt8])
        /// The data of a Data message in bincode. The payload had `length` bytes.
        case data([UInt8], length: Int)
    }

    private var bytes: Bytes
    /// How it is compressed, if at all.
    private let flags: PacketFlags
    /// Longest accepted payload in bytes, before and after decompression.
    private let limit: Int

    /// A message, its format, and its length.
    struct Content: Sendable {
        let message: Message
        let format: MessageFormat
        let bytes: Int
    }

    init(_ payload: consuming SplitPayload, flags: PacketFlags, limit: Int) {
        if flags.isEmpty, payload.isData {
            let length = payload.count
            bytes = .data(payload.data(), length: length)
        } else {
            bytes = .encoded(payload.joined())
        }
        self.flags = flags
        self.limit = limit
    }

    /// How many bytes must be produced or examined one by one to read it. For a compressed payload: its claimed length
    /// after decompression, or its current length if that is more, because a long frame can represent little. Otherwise
    /// its own length if it is not in bincode, and 0 if it is only copied.
    func work() throws(ConnectionError) -> Int {
        guard case .encoded(let payload) = bytes else { return 0 }
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
        // Nothing else refers to the bytes: they become the message's own.
        var bytes = Bytes.encoded([])
        swap(&bytes, &self.bytes)
        var payload: [UInt8]
        switch consume bytes {
        case .data(let data, let length): return Content(message: .data(data), format: .bincode, bytes: length)
        case .encoded(let encoded): payload = encoded
        }
        if !flags.isEmpty { payload = try PayloadCompression.decompress(payload, flags: flags, limit: limit) }
        let length = payload.count
        do throws(MessageError) {
            let (message, format) = try Message.read(payload)
            return Content(message: message, format: format, bytes: length)
        } catch {
            throw .malformedMessage(error)
        }
    }
}
