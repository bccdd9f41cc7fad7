/// Noise_XX_25519_ChaChaPoly_BLAKE2s (The Noise Protocol Framework, revision 34) without I/O, clock and generator.
///
/// ```
/// message 1   e 32 | payload                                  →   e
/// message 2   e 32 | sealed s 32 + 16 | sealed payload + 16   ←   e, ee, s, es
/// message 3   sealed s 32 + 16 | sealed payload + 16          →   s, se
/// ```
///
/// `e` is a u-coordinate in Noise's own form, or its Elligator2 representative (``EphemeralKey/Encoding``). The hash is
/// over `e` as it is written; agreements use the u-coordinate. The name above and all else is the same in both forms,
/// so a protocol says in its prologue which one it uses.
///
/// Each state is a type, and each transition consumes it:
///
/// ```
/// Initiator ─ writeMessage1 → SentMessage1 ─ readMessage2 → ReadMessage2 ─ writeKeys → WritingMessage3
///   ─ writePayload → Outcome
/// Responder ─ readMessage1 → ReadMessage1 ─ writeKeys → WritingMessage2 ─ writePayload → SentMessage2
///   ─ readMessage3 → ReadMessage3 ─ split → Outcome
/// ```
///
/// Messages 2 and 3 are written in two steps, and both steps append to one array. Between them, `hash` is the handshake
/// hash after this message's `s`, which a payload can sign. Who reads the message finds the same `hash` beside the
/// payload.
///
/// Wrong events:
/// - Ours: steps in another order do not compile; a payload longer than the message allows, or an ephemeral key in
///   another encoding than the peer's, traps.
/// - The peer's: each is a ``NoiseFailure``, which ends the handshake. No message makes us trap.
/// - Ignored: none. A repeated message is its owner's business, which has the bytes of the answer.
///
/// Message 1 is not authenticated when it is read. Whatever was changed in it makes message 2 fail at the initiator.
package enum NoiseXX {
    static let name: StaticString = "Noise_XX_25519_ChaChaPoly_BLAKE2s"

    /// Most bytes of a message (section 3).
    package static let maximumMessageLength = 65_535
    /// Bytes of message 1 beside its payload.
    package static let message1Overhead = X25519.keyLength
    /// Bytes of message 2 beside its payload.
    package static let message2Overhead = X25519.keyLength + sealedKeyLength + NoiseSymmetricState.tagLength
    /// Bytes of message 3 beside its payload.
    package static let message3Overhead = sealedKeyLength + NoiseSymmetricState.tagLength

    static let sealedKeyLength = X25519.keyLength + NoiseSymmetricState.tagLength

    /// What both ends have after message 3.
    package struct Outcome: ~Copyable, Sendable {
        /// The secret of what the initiator sends.
        package let k1: Secret
        /// The secret of what the responder sends.
        package let k2: Secret
        /// The hash of the whole handshake, 32 bytes; not secret.
        package let handshakeHash: [UInt8]

        init(_ state: consuming NoiseSymmetricState) {
            (k1, k2) = state.split()
            handshakeHash = state.handshakeHash
        }
    }

    /// The peer's message can be read: between its overhead and the maximum.
    static func check(_ message: Span<UInt8>, overhead: Int) throws(NoiseFailure) {
        guard message.count >= overhead else { throw .truncated(length: message.count, minimum: overhead) }
        guard message.count <= maximumMessageLength else { throw .tooLong(length: message.count) }
    }

    /// Our own message can be written.
    static func require(_ payload: [UInt8], overhead: Int) {
        precondition(payload.count <= maximumMessageLength - overhead, "a Noise message has at most 65535 bytes")
    }
}
