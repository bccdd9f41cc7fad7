//  A message in bincode 1.3 (fixed-width integers):
//
//     4  number of the message, little endian
//     …  its fields: integers little endian (8 bytes, or 4 for a failure's code); keys and nonces unchanged;
//        text and bytes after their length in 8 bytes, little endian
//
//     0 Ping   1 Pong   2 SecureHandshakeInit key[32] timestamp nonce[16]
//     3 SecureHandshakeResponse key[32] nonce[16] challenge
//     4 SecureHandshakeConfirm challenge   5 Echo text   6 Disconnect   7 Custom command payload   8 Data bytes
//     9 Unknown   10 Request id command payload   11 Response id payload   12 Failure id code reason
//     13 to 255 are for later versions, whose fields are not known here: read as Unknown

extension Message {
    private static let variantLength = 4
    private static let lengthLength = 8
    private static let dataVariant: UInt32 = 8
    /// Bytes in front of the bytes of a Data message: its number and their length.
    static let dataHeadLength = variantLength + lengthLength
    /// The highest number of a later version: a number's second byte distinguishes it from a format byte.
    private static let lastReserved: UInt32 = 255

    /// Bytes that ``writeBincode(to:)`` writes.
    package var bincodeLength: Int {
        let integer = 8
        let prefix = Message.lengthLength
        let fields =
            switch self {
            case .ping, .pong, .disconnect, .unknown: 0
            case .handshakeInit(let handshake): handshake.publicKey.count + integer + handshake.nonce.count
            case .handshakeResponse(let handshake):
                handshake.publicKey.count + handshake.nonce.count + prefix + handshake.challenge.count
            case .handshakeConfirm(let handshake): prefix + handshake.challenge.count
            case .echo(let text): prefix + text.utf8.count
            case .custom(let command, let payload): prefix + command.utf8.count + prefix + payload.count
            case .data(let bytes): prefix + bytes.count
            case .request(_, let command, let payload):
                integer + prefix + command.utf8.count + prefix + payload.count
            case .response(_, let payload): integer + prefix + payload.count
            case .failure(_, _, let reason): integer + 4 + prefix + reason.utf8.count
            }
        return Message.variantLength + fields
    }

    package func writeBincode(to sink: inout some ByteSink) {
        sink.append(littleEndian: UInt32(index))
        switch self {
        case .ping, .pong, .disconnect, .unknown: break
        case .handshakeInit(let handshake):
            sink.append(handshake.publicKey)
            sink.append(littleEndian: handshake.timestamp)
            sink.append(handshake.nonce)
        case .handshakeResponse(let handshake):
            sink.append(handshake.publicKey)
            sink.append(handshake.nonce)
            Message.write(handshake.challenge, to: &sink)
        case .handshakeConfirm(let handshake): Message.write(handshake.challenge, to: &sink)
        case .echo(let text): Message.write(text, to: &sink)
        case .custom(let command, let payload):
            Message.write(command, to: &sink)
            Message.write(payload, to: &sink)
        case .data(let bytes): Message.write(bytes, to: &sink)
        case .request(let id, let command, let payload):
            sink.append(littleEndian: id)
            Message.write(command, to: &sink)
            Message.write(payload, to: &sink)
        case .response(let id, let payload):
            sink.append(littleEndian: id)
            Message.write(payload, to: &sink)
        case .failure(let id, let code, let reason):
            sink.append(littleEndian: id)
            sink.append(littleEndian: code.rawValue)
            Message.write(reason, to: &sink)
        }
    }

    private static func write(_ bytes: [UInt8], to sink: inout some ByteSink) {
        sink.append(littleEndian: UInt64(bytes.count))
        sink.append(bytes)
    }

    private static func write(_ text: String, to sink: inout some ByteSink) {
        sink.append(littleEndian: UInt64(text.utf8.count))
        sink.append(text)
    }

    /// A message without its final bytes, if it is of a kind that ends with bytes.
    private enum Head {
        case whole(Message)
        case custom(command: String)
        case data
        case request(id: UInt64, command: String)
        case response(id: UInt64)
    }

    /// Copies the one message that starts at `start` and ends with `payload`.
    init(bincode payload: Span<UInt8>, from start: Int) throws(MessageError) {
        let (head, offset) = try Message.head(payload, from: start)
        self = Message(head) { Array(copying: payload.extracting(offset...)) }
    }

    /// The same from an array. If nothing else refers to it, the message's final bytes stay where they are in memory.
    init(bincode payload: consuming [UInt8], from start: Int) throws(MessageError) {
        let (head, offset) = try Message.head(payload.span, from: start)
        var payload = payload
        self = Message(head) {
            var bytes: [UInt8] = []
            swap(&bytes, &payload)
            bytes.removeFirst(offset)
            return bytes
        }
    }

    private init(_ head: Head, _ rest: () -> [UInt8]) {
        switch head {
        case .whole(let message): self = message
        case .custom(let command): self = .custom(command: command, payload: rest())
        case .data: self = .data(rest())
        case .request(let id, let command): self = .request(id: id, command: command, payload: rest())
        case .response(let id): self = .response(id: id, payload: rest())
        }
    }

    /// Whether these ``dataHeadLength`` bytes, and `count` after them, are a Data message.
    static func isData(head: Span<UInt8>, count: Int) -> Bool {
        var reader = BincodeReader(head, from: 0)
        guard let variant = try? reader.unsigned32(), let length = try? reader.unsigned64() else { return false }
        return variant == dataVariant && length == UInt64(count)
    }

    /// Also returns where the final bytes start.
    private static func head(_ payload: Span<UInt8>, from start: Int) throws(MessageError) -> (Head, Int) {
        var reader = BincodeReader(payload, from: start)
        let variant = try reader.unsigned32()
        switch variant {
        case 7:
            let command = try reader.prefixedText()
            try reader.lengthOfRest()
            return (.custom(command: command), reader.offset)
        case Message.dataVariant:
            try reader.lengthOfRest()
            return (.data, reader.offset)
        case 10:
            let id = try reader.unsigned64()
            let command = try reader.prefixedText()
            try reader.lengthOfRest()
            return (.request(id: id, command: command), reader.offset)
        case 11:
            let id = try reader.unsigned64()
            try reader.lengthOfRest()
            return (.response(id: id), reader.offset)
        case 13...Message.lastReserved: return (.whole(.unknown), payload.count)
        default:
            let message = try whole(variant, &reader)
            try reader.end()
            return (.whole(message), payload.count)
        }
    }

    private static func whole(_ variant: UInt32, _ reader: inout BincodeReader) throws(MessageError) -> Message {
        switch variant {
        case 0: return .ping
        case 1: return .pong
        case 2:
            let key = try reader.bytes(32)
            let timestamp = try reader.unsigned64()
            return .handshakeInit(HandshakeInit(publicKey: key, timestamp: timestamp, nonce: try reader.bytes(16)))
        case 3:
            let key = try reader.bytes(32)
            let nonce = try reader.bytes(16)
            return .handshakeResponse(
                HandshakeResponse(publicKey: key, nonce: nonce, challenge: try reader.prefixedBytes())
            )
        case 4: return .handshakeConfirm(HandshakeConfirm(challenge: try reader.prefixedBytes()))
        case 5: return .echo(try reader.prefixedText())
        case 6: return .disconnect
        case 9: return .unknown
        case 12:
            let id = try reader.unsigned64()
            let code = FailureCode(rawValue: try reader.unsigned32())
            return .failure(id: id, code: code, reason: try reader.prefixedText())
        default: throw .unknownVariant(variant)
        }
    }
}
