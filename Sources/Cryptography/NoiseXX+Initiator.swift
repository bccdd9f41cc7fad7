extension NoiseXX {
    /// Before message 1. See ``NoiseXX`` for the states.
    package struct Initiator: ~Copyable, Sendable {
        var state: NoiseSymmetricState
        private let staticKey: StaticKey
        let ephemeral: EphemeralKey

        /// - Parameters:
        ///   - prologue: what both ends must have in common.
        ///   - ephemeral: for this handshake only; its encoding is that of both ephemeral keys.
        package init(prologue: [UInt8], staticKey: StaticKey, ephemeral: consuming EphemeralKey) {
            state = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: prologue.span)
            self.staticKey = staticKey
            self.ephemeral = ephemeral
        }

        /// Appends message 1, with the payload in the open.
        package consuming func writeMessage1(
            payload: [UInt8],
            to message: inout [UInt8]
        ) -> SentMessage1 {
            NoiseXX.require(payload, overhead: NoiseXX.message1Overhead)
            state.writeEphemeral(ephemeral, to: &message)
            state.encryptAndHash(payload, to: &message)
            return SentMessage1(state: state, staticKey: staticKey, ephemeral: ephemeral)
        }
    }
}

extension NoiseXX.Initiator {
    /// Awaits message 2.
    package struct SentMessage1: ~Copyable, Sendable {
        var state: NoiseSymmetricState
        private let staticKey: StaticKey
        let ephemeral: EphemeralKey

        fileprivate init(
            state: consuming NoiseSymmetricState,
            staticKey: StaticKey,
            ephemeral: consuming EphemeralKey
        ) {
            self.state = state
            self.staticKey = staticKey
            self.ephemeral = ephemeral
        }

        package consuming func readMessage2(_ message: Span<UInt8>) throws(NoiseFailure) -> ReadMessage2 {
            try NoiseXX.check(message, overhead: NoiseXX.message2Overhead)
            let keysEnd = X25519.keyLength + NoiseXX.sealedKeyLength
            let responderEphemeral = state.readEphemeral(
                message.extracting(..<X25519.keyLength),
                ephemeral.encoding
            )
            try state.agree(ephemeral.sharedSecret(with: responderEphemeral))
            let responderKey = try state.decryptAndHash(message.extracting(X25519.keyLength..<keysEnd))
            try state.agree(ephemeral.sharedSecret(with: responderKey))
            let hash = state.handshakeHash
            let payload = try state.decryptAndHash(message.extracting(keysEnd...))
            return ReadMessage2(
                payload: payload,
                hash: hash,
                responderKey: responderKey,
                state: state,
                staticKey: staticKey,
                responderEphemeral: responderEphemeral
            )
        }
    }

    /// Has read message 2 and decides whether to go on.
    package struct ReadMessage2: ~Copyable, Sendable {
        package let payload: [UInt8]
        /// The handshake hash after this message's `s`.
        package let hash: [UInt8]
        /// The responder's static public key.
        package let responderKey: [UInt8]
        var state: NoiseSymmetricState
        private let staticKey: StaticKey
        private let responderEphemeral: [UInt8]

        fileprivate init(
            payload: [UInt8],
            hash: [UInt8],
            responderKey: [UInt8],
            state: consuming NoiseSymmetricState,
            staticKey: StaticKey,
            responderEphemeral: [UInt8]
        ) {
            self.payload = payload
            self.hash = hash
            self.responderKey = responderKey
            self.state = state
            self.staticKey = staticKey
            self.responderEphemeral = responderEphemeral
        }

        /// Appends what stands before the payload of message 3.
        package consuming func writeKeys(to message: inout [UInt8]) throws(NoiseFailure) -> WritingMessage3 {
            state.encryptAndHash(staticKey.publicKey, to: &message)
            try state.agree(staticKey.sharedSecret(with: responderEphemeral))
            return WritingMessage3(state: state)
        }
    }

    /// Has written the keys of message 3.
    package struct WritingMessage3: ~Copyable, Sendable {
        var state: NoiseSymmetricState

        fileprivate init(state: consuming NoiseSymmetricState) { self.state = state }

        /// The handshake hash after this message's `s`.
        package var hash: [UInt8] { state.handshakeHash }

        /// Appends the payload, which ends the message and the handshake.
        package consuming func writePayload(_ payload: [UInt8], to message: inout [UInt8]) -> NoiseXX.Outcome {
            NoiseXX.require(payload, overhead: NoiseXX.message3Overhead)
            state.encryptAndHash(payload, to: &message)
            return NoiseXX.Outcome(state)
        }
    }
}
