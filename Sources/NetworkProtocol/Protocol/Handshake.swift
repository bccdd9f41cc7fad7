internal import Crypto
package import Cryptography
package import Identity

//  Three messages, and one more that admits the initiator:
//
//      initiator                                          responder
//      SecureHandshakeInit: ephemeral key, time, nonce ─▶
//                     ◀─ SecureHandshakeResponse: ephemeral key, nonce, sealed proof
//      SecureHandshakeConfirm: sealed proof            ─▶
//                     ◀─ Pong, the first sealed record; or a sealed Failure that says why not
//
//  Each state is made only from its predecessor. Nothing here has a clock, a socket or a task.

/// The result of a finished handshake.
package struct HandshakeResult: Sendable {
    /// The key that the peer proved; nil if it proved none.
    package let peer: EndpointID?
    /// The secret for what this side sends.
    package let sending: Secret
    /// The secret for what this side receives.
    package let receiving: Secret
}

/// The initiator, which has sent its opening.
package struct HandshakeInitiator: Sendable {
    private let trust: Trust
    private let ephemeral: Curve25519.KeyAgreement.PrivateKey
    package let opening: HandshakeInit

    /// - Parameter timestamp: milliseconds since the Unix epoch.
    package init(
        trust: Trust,
        timestamp: UInt64,
        using generator: inout some RandomNumberGenerator
    ) {
        let ephemeral = Curve25519.KeyAgreement.PrivateKey.random(&generator)
        self.trust = trust
        self.ephemeral = ephemeral
        opening = HandshakeInit(
            publicKey: Array(ephemeral.publicKey.rawRepresentation),
            timestamp: timestamp,
            nonce: generator.bytes(16)
        )
    }

    /// Returns the confirmation to send, and the result that is valid once it is sent.
    package consuming func receive(
        _ response: HandshakeResponse
    ) throws(HandshakeError) -> (confirm: HandshakeConfirm, result: HandshakeResult) {
        let keys = try HandshakeKeys(own: ephemeral, peer: response.publicKey, preSharedKey: trust.preSharedKey)
        var transcript = HandshakeTranscript(
            opening,
            responderKey: response.publicKey,
            responderNonce: response.nonce
        )
        let challengeKeys = keys.challengeKeys(transcript)
        let peer = try HandshakeProof.open(
            response.challenge,
            from: .responder,
            key: challengeKeys.responder,
            transcript: transcript
        )
        try trust.judge(peer)
        transcript.append(response.challenge)
        let challenge = try HandshakeProof.seal(
            trust.identity,
            as: .initiator,
            key: challengeKeys.initiator,
            transcript: transcript
        )
        transcript.append(challenge)
        let traffic = keys.trafficKeys(transcript)
        return (
            HandshakeConfirm(challenge: challenge),
            HandshakeResult(peer: peer, sending: traffic.initiator, receiving: traffic.responder)
        )
    }
}

/// The responder, which has answered an opening.
package struct HandshakeResponder: Sendable {
    private let trust: Trust
    private let keys: HandshakeKeys
    private let initiatorChallengeKey: Secret
    private let transcript: HandshakeTranscript
    package let response: HandshakeResponse

    /// - Parameters:
    ///   - now: milliseconds since the Unix epoch.
    ///   - seen: whether the opening was seen before, and remembers it; called once the time is right.
    package init(
        trust: Trust,
        opening: HandshakeInit,
        now: UInt64,
        seen: (HandshakeInit) -> Bool,
        using generator: inout some RandomNumberGenerator
    ) throws(HandshakeError) {
        let skew = HandshakeResponder.difference(opening.timestamp, now)
        guard abs(skew) <= HandshakeLimits.clockTolerance else { throw .clockSkew(milliseconds: skew) }
        guard !seen(opening) else { throw .replayed }
        let ephemeral = Curve25519.KeyAgreement.PrivateKey.random(&generator)
        let keys = try HandshakeKeys(own: ephemeral, peer: opening.publicKey, preSharedKey: trust.preSharedKey)
        let publicKey = Array(ephemeral.publicKey.rawRepresentation)
        let nonce = generator.bytes(16)
        var transcript = HandshakeTranscript(opening, responderKey: publicKey, responderNonce: nonce)
        let challengeKeys = keys.challengeKeys(transcript)
        let challenge = try HandshakeProof.seal(
            trust.identity,
            as: .responder,
            key: challengeKeys.responder,
            transcript: transcript
        )
        transcript.append(challenge)
        self.trust = trust
        self.keys = keys
        self.initiatorChallengeKey = challengeKeys.initiator
        self.transcript = transcript
        response = HandshakeResponse(publicKey: publicKey, nonce: nonce, challenge: challenge)
    }

    /// The result. If the peer is not admitted, `refusal` says why, and the keys still serve to send that to it.
    package consuming func receive(
        _ confirm: HandshakeConfirm
    ) throws(HandshakeError) -> (result: HandshakeResult, refusal: HandshakeError?) {
        let peer = try HandshakeProof.open(
            confirm.challenge,
            from: .initiator,
            key: initiatorChallengeKey,
            transcript: transcript
        )
        var refusal: HandshakeError?
        do throws(HandshakeError) { try trust.judge(peer) } catch { refusal = error }
        var transcript = transcript
        transcript.append(confirm.challenge)
        let traffic = keys.trafficKeys(transcript)
        return (HandshakeResult(peer: peer, sending: traffic.responder, receiving: traffic.initiator), refusal)
    }

    /// `timestamp` minus `now` in milliseconds, clamped to the range: both come from outside.
    private static func difference(_ timestamp: UInt64, _ now: UInt64) -> Int64 {
        timestamp >= now
            ? Int64(clamping: timestamp - now)
            : -Int64(clamping: now - timestamp)
    }
}

extension RandomNumberGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &self) } }
}

extension Curve25519.KeyAgreement.PrivateKey {
    fileprivate static func random(_ generator: inout some RandomNumberGenerator) -> Self {
        // Any 32 bytes are an X25519 secret (RFC 7748, section 5), so this cannot fail.
        while true {
            var bytes = generator.bytes(32)
            defer { Wiping.wipe(&bytes) }
            if let key = try? Self(rawRepresentation: bytes) { return key }
        }
    }
}
