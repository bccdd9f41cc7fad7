extension NoiseXX {
    /// Before message 1. See ``NoiseXX`` for the states.
    package struct Responder: ~Copyable, Sendable {
        var state: NoiseSymmetricState
        private let encoding: EphemeralKey.Encoding

        /// - Parameters:
        ///   - prologue: what both ends must have in common.
        ///   - encoding: of both ephemeral keys.
        package init(prologue: [UInt8], encoding: EphemeralKey.Encoding) {
            state = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: prologue.span)
            self.encoding = encoding
        }

        package consuming func readMessage1(_ message: Span<UInt8>) throws(NoiseFailure) -> ReadMessage1 {
            try NoiseXX.check(message, overhead: NoiseXX.message1Overhead)
            let initiatorEphemeral = state.readEphemeral(message.extracting(..<X25519.keyLength), encoding)
            let payload = try state.decryptAndHash(message.extracting(X25519.keyLength...))
            return ReadMessage1(
                payload: payload,
                state: state,
                encoding: encoding,
                initiatorEphemeral: initiatorEphemeral
            )
        }
    }
}

extension NoiseXX.Responder {
    /// Has read message 1 and decides whether to answer.
    package struct ReadMessage1: ~Copyable, Sendable {
        /// Not authenticated.
        package let payload: [UInt8]
        var state: NoiseSymmetricState
        private let encoding: EphemeralKey.Encoding
        private let initiatorEphemeral: [UInt8]

        fileprivate init(
            payload: [UInt8],
            state: consuming NoiseSymmetricState,
            encoding: EphemeralKey.Encoding,
            initiatorEphemeral: [UInt8]
        ) {
            self.payload = payload
            self.state = state
            self.encoding = encoding
            self.initiatorEphemeral = initiatorEphemeral
        }

        /// Appends what stands before the payload of message 2. After an error, the array may have some of it.
        ///
        /// - Parameter ephemeral: for this handshake only.
        package consuming func writeKeys(
            staticKey: StaticKey,
            ephemeral: consuming EphemeralKey,
            to message: inout [UInt8]
        ) throws(NoiseFailure) -> WritingMessage2 {
            precondition(ephemeral.encoding == encoding, "both ephemeral keys have one encoding")
            state.writeEphemeral(ephemeral, to: &message)
            try state.agree(ephemeral.sharedSecret(with: initiatorEphemeral))
            state.encryptAndHash(staticKey.publicKey, to: &message)
            try state.agree(staticKey.sharedSecret(with: initiatorEphemeral))
            return WritingMessage2(state: state, ephemeral: ephemeral)
        }
    }

    /// Has written the keys of message 2.
    package struct WritingMessage2: ~Copyable, Sendable {
        var state: NoiseSymmetricState
        let ephemeral: EphemeralKey

        fileprivate init(state: consuming NoiseSymmetricState, ephemeral: consuming EphemeralKey) {
            self.state = state
            self.ephemeral = ephemeral
        }

        /// The handshake hash after this message's `s`.
        package var hash: [UInt8] { state.handshakeHash }

        /// Appends the payload, which ends the message.
        package consuming func writePayload(_ payload: [UInt8], to message: inout [UInt8]) -> SentMessage2 {
            NoiseXX.require(payload, overhead: NoiseXX.message2Overhead)
            state.encryptAndHash(payload, to: &message)
            return SentMessage2(state: state, ephemeral: ephemeral)
        }
    }

    /// Awaits message 3.
    package struct SentMessage2: ~Copyable, Sendable {
        var state: NoiseSymmetricState
        let ephemeral: EphemeralKey

        fileprivate init(state: consuming NoiseSymmetricState, ephemeral: consuming EphemeralKey) {
            self.state = state
            self.ephemeral = ephemeral
        }

        package consuming func readMessage3(_ message: Span<UInt8>) throws(NoiseFailure) -> ReadMessage3 {
            try NoiseXX.check(message, overhead: NoiseXX.message3Overhead)
            let initiatorKey = try state.decryptAndHash(message.extracting(..<NoiseXX.sealedKeyLength))
            try state.agree(ephemeral.sharedSecret(with: initiatorKey))
            let hash = state.handshakeHash
            let payload = try state.decryptAndHash(message.extracting(NoiseXX.sealedKeyLength...))
            return ReadMessage3(payload: payload, hash: hash, initiatorKey: initiatorKey, state: state)
        }
    }

    /// Has read message 3 and decides whether to accept the initiator.
    package struct ReadMessage3: ~Copyable, Sendable {
        package let payload: [UInt8]
        /// The handshake hash after this message's `s`.
        package let hash: [UInt8]
        /// The initiator's static public key.
        package let initiatorKey: [UInt8]
        var state: NoiseSymmetricState

        fileprivate init(
            payload: [UInt8],
            hash: [UInt8],
            initiatorKey: [UInt8],
            state: consuming NoiseSymmetricState
        ) {
            self.payload = payload
            self.hash = hash
            self.initiatorKey = initiatorKey
            self.state = state
        }

        package consuming func split() -> NoiseXX.Outcome { NoiseXX.Outcome(state) }
    }
}
