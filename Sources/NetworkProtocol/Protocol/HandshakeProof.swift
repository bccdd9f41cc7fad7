internal import Cryptography
internal import Identity

/// The identity of one side, as sealed in its challenge:
///
///     0   1   0 no identity, 1 Ed25519
///     1  32   the identity key, or zeros
///    33  64   its signature over "outpost network-protocol " ‖ "responder" or "initiator" ‖ transcript, or zeros
///
/// Its length does not tell which of the two it is.
enum HandshakeProof {
    static let length = 97
    /// Sealed: with the tag.
    static let challengeLength = length + RecordCipher.tagLength

    enum Side: String {
        case responder
        case initiator
    }

    static func seal(
        _ identity: IdentityKey?,
        as side: Side,
        key: Secret,
        transcript: HandshakeTranscript
    ) throws(HandshakeError) -> [UInt8] {
        var bytes: [UInt8]
        if let identity {
            guard let signature = try? identity.sign(text(side, transcript)), signature.count == 64 else {
                throw .cannotSign
            }
            bytes = [1] + identity.endpointID.publicKey + signature
        } else {
            bytes = [UInt8](repeating: 0, count: length)
        }
        bytes += [UInt8](repeating: 0, count: RecordCipher.tagLength)
        var cipher = cipher(key)
        cipher.seal(&bytes, counter: 0, authenticating: transcript.hash)
        return bytes
    }

    /// The identity that sealed `challenge`; nil if it proves none.
    static func open(
        _ challenge: [UInt8],
        from side: Side,
        key: Secret,
        transcript: HandshakeTranscript
    ) throws(HandshakeError) -> EndpointID? {
        guard challenge.count == challengeLength else { throw .notAuthentic }
        var bytes = challenge
        var cipher = cipher(key)
        guard cipher.open(&bytes, counter: 0, authenticating: transcript.hash) else { throw .notAuthentic }
        switch bytes[0] {
        case 0: return nil
        case 1:
            guard let id = EndpointID(publicKey: bytes[1..<33]),
                id.verifies(Array(bytes[33..<97]), of: text(side, transcript))
            else { throw .invalidProof }
            return id
        default: throw .invalidProof
        }
    }

    /// The key seals only this, so the nonce may be all zero, and the context is made for it.
    private static func cipher(_ key: Secret) -> RecordCipher {
        let algorithm = RecordCipher.Algorithm.xChaCha20Poly1305
        return RecordCipher(
            algorithm,
            key: key,
            noncePrefix: repeatElement(0, count: algorithm.noncePrefixLength),
            contexts: CipherContexts(capacity: 1)
        )
    }

    private static func text(_ side: Side, _ transcript: HandshakeTranscript) -> [UInt8] {
        Array("outpost network-protocol \(side.rawValue)".utf8) + transcript.hash
    }
}
