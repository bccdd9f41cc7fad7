/// How messages are encoded.
///
/// Bincode needs no mark. A payload that starts with a format byte (1 bincode, 2 JSON, 3 MessagePack) is in that
/// format. The two cannot be confused: an unmarked message starts with a four-byte number of at most 255, and the byte
/// after a format byte is never the second byte of such a number. ``Message/init(payload:)`` lists the cases.
public enum MessageFormat: UInt8, Sendable, Hashable, CaseIterable {
    /// bincode 1.3: little endian, 4-byte variant, 8-byte lengths; written without a format byte.
    case bincode = 1
    /// RFC 8259, as serde writes enumerations: `"Ping"`, `{"Echo":"hello"}`; bytes are arrays of numbers.
    case json = 2
    /// MessagePack: `"Ping"`, `{"Echo": "hello"}`; fields are maps, bytes are `bin`.
    case messagePack = 3
}

extension Message {
    /// The payload that encodes this message in `format`.
    public func payload(in format: MessageFormat = .bincode) -> [UInt8] {
        var payload: [UInt8] = []
        switch format {
        case .bincode:
            payload.reserveCapacity(bincodeLength)
            writeBincode(to: &payload)
        case .json:
            payload.append(format.rawValue)
            JSONMessage.write(self, to: &payload)
        case .messagePack:
            payload.append(format.rawValue)
            MessagePackMessage.write(self, to: &payload)
        }
        return payload
    }

    /// The message that a payload encodes, in any format.
    public init(payload: consuming [UInt8]) throws(MessageError) {
        self = try Message.read(payload).message
    }

    /// The message, and the format that it arrived in, which is the format to answer in. If nothing else refers to the
    /// payload, it becomes the message's bytes without a copy.
    package static func read(_ payload: consuming [UInt8]) throws(MessageError) -> (
        message: Message, format: MessageFormat
    ) {
        guard let first = payload.first else { throw .empty }
        guard let format = MessageFormat(markOf: payload.span, first: first) else {
            return (try Message(bincode: payload, from: 0), .bincode)
        }
        switch format {
        case .bincode: return (try Message(bincode: payload, from: 1), .bincode)
        case .json: return (try JSONMessage.read(payload, from: 1), .json)
        case .messagePack: return (try MessagePackMessage.read(payload, from: 1), .messagePack)
        }
    }

    /// The same for a payload in other memory: the message's parts are copied.
    package static func read(_ payload: Span<UInt8>) throws(MessageError) -> (message: Message, format: MessageFormat) {
        guard !payload.isEmpty else { throw .empty }
        switch MessageFormat(markOf: payload, first: payload[0]) {
        case nil: return (try Message(bincode: payload, from: 0), .bincode)
        case .bincode: return (try Message(bincode: payload, from: 1), .bincode)
        case .json, .messagePack: return try read(Array(copying: payload))
        }
    }
}

extension MessageFormat {
    /// The format that a payload's first bytes name; nil for unmarked bincode.
    init?(markOf payload: Span<UInt8>, first: UInt8) {
        // Unmarked bincode: the number's upper three bytes are 0. Only with a first byte of 1 can that also be a marked
        // message: a Ping (01 00 00 00 00), which is longer than the four bytes of an unmarked Pong.
        let isMarked: Bool =
            switch first {
            case MessageFormat.bincode.rawValue: payload.count > 4
            case MessageFormat.json.rawValue, MessageFormat.messagePack.rawValue: payload.count > 1 && payload[1] != 0
            default: false
            }
        guard isMarked else { return nil }
        self.init(rawValue: first)
    }
}
