/// The structure of each message: the one table behind JSON and MessagePack, and behind the names in logs and metrics.
///
/// The names are those that serde gives these types, so a peer that derives them reads and writes the same text.
struct MessageShape: Sendable {
    enum Kind: Sendable, Hashable {
        case bytes
        /// Exactly this many bytes.
        case fixedBytes(Int)
        case text
        case unsigned64
        case unsigned32
    }

    enum Value: Sendable, Hashable {
        case bytes([UInt8])
        case text(String)
        case unsigned(UInt64)
    }

    enum Content: Sendable {
        /// Only the name.
        case unit
        /// The name and one value.
        case single(Kind)
        /// The name and named values.
        case fields([(name: String, kind: Kind)])
    }

    let name: String
    let content: Content

    /// In the order of their numbers in bincode.
    static let all: [MessageShape] = [
        MessageShape(name: "Ping", content: .unit),
        MessageShape(name: "Pong", content: .unit),
        MessageShape(
            name: "SecureHandshakeInit",
            content: .fields([("pub_key", .fixedBytes(32)), ("timestamp", .unsigned64), ("nonce", .fixedBytes(16))])
        ),
        MessageShape(
            name: "SecureHandshakeResponse",
            content: .fields([("pub_key", .fixedBytes(32)), ("nonce", .fixedBytes(16)), ("challenge", .bytes)])
        ),
        MessageShape(name: "SecureHandshakeConfirm", content: .fields([("challenge", .bytes)])),
        MessageShape(name: "Echo", content: .single(.text)),
        MessageShape(name: "Disconnect", content: .unit),
        MessageShape(name: "Custom", content: .fields([("command", .text), ("payload", .bytes)])),
        MessageShape(name: "Data", content: .single(.bytes)),
        MessageShape(name: "Unknown", content: .unit),
        MessageShape(
            name: "Request",
            content: .fields([("id", .unsigned64), ("command", .text), ("payload", .bytes)])
        ),
        MessageShape(name: "Response", content: .fields([("id", .unsigned64), ("payload", .bytes)])),
        MessageShape(
            name: "Failure",
            content: .fields([("id", .unsigned64), ("code", .unsigned32), ("reason", .text)])
        ),
    ]

    static func named(_ name: String) -> MessageShape? { all.first { $0.name == name } }

    /// Longest name that a message of a later version may have, in bytes.
    private static let longestName = 64

    /// Nil for a message of a later version, which is read as Unknown. Its name must have the form of a message name.
    static func expected(_ name: String) throws(MessageError) -> MessageShape? {
        if let shape = named(name) { return shape }
        let letters = name.utf8
        let isName = letters.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, (1...longestName).contains(letters.count) else { throw .unknown(name: name) }
        return nil
    }
}

extension Message {
    /// Its number in bincode.
    package var index: Int {
        switch self {
        case .ping: 0
        case .pong: 1
        case .handshakeInit: 2
        case .handshakeResponse: 3
        case .handshakeConfirm: 4
        case .echo: 5
        case .disconnect: 6
        case .custom: 7
        case .data: 8
        case .unknown: 9
        case .request: 10
        case .response: 11
        case .failure: 12
        }
    }

    /// The message's name in JSON and MessagePack, logs and metrics.
    public var name: String { MessageShape.all[index].name }

    /// Its content, in the order of its shape.
    var values: [MessageShape.Value] {
        switch self {
        case .ping, .pong, .disconnect, .unknown: []
        case .handshakeInit(let handshake):
            [.bytes(handshake.publicKey), .unsigned(handshake.timestamp), .bytes(handshake.nonce)]
        case .handshakeResponse(let handshake):
            [.bytes(handshake.publicKey), .bytes(handshake.nonce), .bytes(handshake.challenge)]
        case .handshakeConfirm(let handshake): [.bytes(handshake.challenge)]
        case .echo(let text): [.text(text)]
        case .custom(let command, let payload): [.text(command), .bytes(payload)]
        case .data(let bytes): [.bytes(bytes)]
        case .request(let id, let command, let payload): [.unsigned(id), .text(command), .bytes(payload)]
        case .response(let id, let payload): [.unsigned(id), .bytes(payload)]
        case .failure(let id, let code, let reason):
            [.unsigned(id), .unsigned(UInt64(code.rawValue)), .text(reason)]
        }
    }

    /// The message of this shape with these values; nil if they do not match the shape, which would be our bug.
    init?(_ shape: MessageShape, _ values: [MessageShape.Value]) {
        switch (shape.name, values.count) {
        case ("Ping", 0): self = .ping
        case ("Pong", 0): self = .pong
        case ("Disconnect", 0): self = .disconnect
        case ("Unknown", 0): self = .unknown
        default:
            switch (shape.name, values.first, values.dropFirst().first, values.dropFirst(2).first) {
            case ("SecureHandshakeInit", .bytes(let key), .unsigned(let timestamp), .bytes(let nonce)):
                self = .handshakeInit(HandshakeInit(publicKey: key, timestamp: timestamp, nonce: nonce))
            case ("SecureHandshakeResponse", .bytes(let key), .bytes(let nonce), .bytes(let challenge)):
                self = .handshakeResponse(HandshakeResponse(publicKey: key, nonce: nonce, challenge: challenge))
            case ("SecureHandshakeConfirm", .bytes(let challenge), nil, nil):
                self = .handshakeConfirm(HandshakeConfirm(challenge: challenge))
            case ("Echo", .text(let text), nil, nil): self = .echo(text)
            case ("Custom", .text(let command), .bytes(let payload), nil):
                self = .custom(command: command, payload: payload)
            case ("Data", .bytes(let bytes), nil, nil): self = .data(bytes)
            case ("Request", .unsigned(let id), .text(let command), .bytes(let payload)):
                self = .request(id: id, command: command, payload: payload)
            case ("Response", .unsigned(let id), .bytes(let payload), nil): self = .response(id: id, payload: payload)
            case ("Failure", .unsigned(let id), .unsigned(let code), .text(let reason)):
                guard let code = UInt32(exactly: code) else { return nil }
                self = .failure(id: id, code: FailureCode(rawValue: code), reason: reason)
            default: return nil
            }
        }
    }
}
