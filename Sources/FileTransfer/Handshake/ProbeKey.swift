internal import Cryptography
internal import Identity

/// What everyone has who knows the responder's Endpoint ID, and the contact secret if there is one: the key of the
/// codes and connection IDs of handshake messages. See section 1.1 of `Docs/COURIER-PROTOCOL.md`.
struct ProbeKey: Sendable {
    static let codeLength = 16

    private let key: Secret

    /// - Parameter contactSecret: empty, or 16 bytes.
    init(responder: EndpointID, contactSecret: [UInt8]) {
        key = BLAKE3.deriveKey("courier/1 probe", from: Secret(responder.publicKey + contactSecret))
    }

    /// The connection ID of a message that answers the one with this representative.
    func connectionID(of message: HandshakeMessage, answering representative: [UInt8]) -> ConnectionID {
        let label: StaticString =
            switch message {
            case .second: "courier/1 message 2"
            case .third: "courier/1 message 3"
            case .cookie: "courier/1 cookie"
            }
        return ConnectionID(firstOf: hash(Array("\(label)".utf8) + representative))
    }

    /// mac1: the code of all bytes before it.
    func code(of bytes: [UInt8]) -> [UInt8] { Array(hash(bytes).prefix(Self.codeLength)) }

    /// mac2 of a message with a cookie.
    static func code(of bytes: [UInt8], cookie: [UInt8]) -> [UInt8] {
        let key = BLAKE3.deriveKey("courier/1 mac2", from: Secret(cookie))
        return Array(BLAKE3.keyedHash(bytes.rawBytes, key: key).prefix(codeLength))
    }

    /// The key that seals cookies.
    var cookieKey: Secret { BLAKE3.deriveKey("courier/1 cookie key", from: key) }

    private func hash(_ bytes: [UInt8]) -> BLAKE3.Digest { BLAKE3.keyedHash(bytes.rawBytes, key: key) }
}

/// The messages whose connection ID follows from what they answer.
enum HandshakeMessage: Sendable { case second, third, cookie }
