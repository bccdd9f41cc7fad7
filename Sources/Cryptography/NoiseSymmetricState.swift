/// What both ends of a Noise handshake hold in common (The Noise Protocol Framework, revision 34, sections 5.1 and
/// 5.2): the hash of all that was sent, and keys from all that was agreed, with ChaCha20-Poly1305 and BLAKE2s.
///
/// Keys are overwritten when they are replaced, and when the value is destroyed.
struct NoiseSymmetricState: ~Copyable, Sendable {
    static let tagLength = AEADKey.tagLength

    /// Noise's `h`, 32 bytes; not secret.
    private(set) var handshakeHash: [UInt8]
    /// Noise's `ck`.
    private(set) var chainingKey: Secret
    /// Noise's `k`; none before the first agreement.
    private(set) var cipherKey: Secret?
    /// Messages that were sealed or opened under the key: at most two in the patterns that we have.
    private var nonce: UInt64 = 0
    private var hash = BLAKE2s()

    /// - Parameter protocolName: longer than 32 bytes; Noise does not hash a shorter one.
    init(protocolName: StaticString, prologue: Span<UInt8>) {
        let name = Array("\(protocolName)".utf8)
        precondition(name.count > BLAKE2s.digestLength, "a short name is not hashed")
        hash.update(name.span)
        handshakeHash = hash.finish()
        chainingKey = Secret(handshakeHash)
        mixHash(prologue)
    }

    mutating func mixHash(_ bytes: Span<UInt8>) {
        let soFar = handshakeHash
        hash.update(soFar.span)
        hash.update(bytes)
        handshakeHash = hash.finish()
    }

    mutating func mixKey(_ secret: Secret) {
        let previous = chainingKey
        (chainingKey, cipherKey) = secret.withBytes { NoiseHKDF.two(chainingKey: previous, input: $0, with: &hash) }
        nonce = 0
    }

    /// Appends the bytes, sealed once there is a key, with the hash so far as associated data.
    mutating func encryptAndHash(_ plaintext: [UInt8], to message: inout [UInt8]) {
        var bytes = plaintext
        if let cipherKey {
            bytes += repeatElement(0, count: Self.tagLength)
            var key = AEADKey(.xChaCha20Poly1305, key: cipherKey, contexts: CipherContexts(capacity: 1))
            var span = bytes.mutableSpan
            // Every bit pattern is a valid byte.
            var raw = unsafe span.mutableBytes
            key.seal(&raw, nonce: nextNonce(), authenticating: unsafe handshakeHash.span.bytes)
        }
        mixHash(bytes.span)
        message += bytes
    }

    /// The plaintext of what ``encryptAndHash(_:to:)`` appended at the other end.
    mutating func decryptAndHash(_ ciphertext: Span<UInt8>) throws(NoiseFailure) -> [UInt8] {
        var bytes = [UInt8](copying: ciphertext)
        if let cipherKey {
            var key = AEADKey(.xChaCha20Poly1305, key: cipherKey, contexts: CipherContexts(capacity: 1))
            var span = bytes.mutableSpan
            // Every bit pattern is a valid byte.
            var raw = unsafe span.mutableBytes
            guard key.open(&raw, nonce: nextNonce(), authenticating: unsafe handshakeHash.span.bytes) else {
                throw .notAuthentic
            }
            bytes.removeLast(Self.tagLength)
        }
        mixHash(ciphertext)
        return bytes
    }

    /// Noise's `Split()`: the key from initiator to responder, and the one back.
    mutating func split() -> (k1: Secret, k2: Secret) {
        let keys = NoiseHKDF.two(chainingKey: chainingKey, input: Span(), with: &hash)
        return (keys.0, keys.1)
    }

    /// Four zero bytes and the counter, little-endian (section 12.3).
    private mutating func nextNonce() -> AEADKey.Nonce {
        defer { nonce += 1 }
        return [0, UInt32(truncatingIfNeeded: nonce), UInt32(truncatingIfNeeded: nonce >> 32)]
    }
}
