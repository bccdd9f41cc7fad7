internal import Cryptography
internal import Identity

/// The payload of messages 2 and 3: an Endpoint ID, its signature over the handshake, and session parameters.
struct IdentityProof {
    private static let label = "courier/1 identity"
    private static let signatureLength = 64

    let endpointID: EndpointID
    let parameters: SessionParameters

    /// Signs the handshake hash after the message's `s`. Signing with a key in memory does not fail.
    static func payload(
        _ identity: IdentityKey,
        role: HandshakeRole,
        hash: [UInt8],
        parameters: SessionParameters
    ) -> [UInt8] {
        let signature: [UInt8]
        do { signature = try identity.sign(message(role, hash)) } catch {
            fatalError("an Ed25519 key no longer signs: \(error)")
        }
        let content = identity.endpointID.publicKey + signature + parameters.encoded
        var payload: [UInt8] = []
        payload.append(bigEndian: UInt16(content.count))
        return payload + content
    }

    /// Parses and verifies the payload of the peer, whose role is `role`.
    init(verifying payload: [UInt8], role: HandshakeRole, hash: [UInt8]) throws(HandshakeFailure) {
        var reader = WireReader(payload.rawBytes)
        guard let length = reader.integer(UInt16.self), let content = reader.bytes(Int(length)) else {
            throw .malformed("a payload of \(payload.count) bytes")
        }
        var fields = WireReader(content.rawBytes)
        guard let key = fields.bytes(EndpointID.keyLength), let signature = fields.bytes(Self.signatureLength) else {
            throw .malformed("a payload without a signature")
        }
        guard let endpointID = EndpointID(publicKey: key),
            endpointID.verifies(signature, of: Self.message(role, hash))
        else { throw .wrongIdentity }
        self.endpointID = endpointID
        parameters = try SessionParameters(parsing: fields.remainder())
    }

    private static func message(_ role: HandshakeRole, _ hash: [UInt8]) -> [UInt8] {
        Array(label.utf8) + [role.rawValue] + hash
    }
}

/// Which side of the handshake an end is on.
package enum HandshakeRole: UInt8, Sendable {
    case initiator = 1
    case responder = 2

    package var peer: HandshakeRole { self == .initiator ? .responder : .initiator }
}
