package import Cryptography
package import Identity

/// What an end has after the handshake.
package struct EstablishedHandshake: Sendable {
    package let role: HandshakeRole
    /// The peer's proven Endpoint ID.
    package let peer: EndpointID
    package let suite: RecordCipher.Algorithm
    package let peerParameters: SessionParameters
    /// Noise's secret of what the initiator sends.
    package let k1: Secret
    /// Noise's secret of what the responder sends.
    package let k2: Secret
    /// The connection ID of message 3. The responder answers each copy of it with a PING.
    package let message3ID: ConnectionID
    /// The initiator's message 3, which it repeats until a packet opens; empty at the responder.
    package let reply: [UInt8]
}

/// What both ends put into a handshake.
enum HandshakePrologue {
    static func bytes(_ responder: EndpointID) -> [UInt8] { Array("courier/1".utf8) + responder.publicKey }
}
