package import Cryptography
package import Identity

/// The initiator's side of a handshake, without I/O and clock: section 1 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// waiting ─ verified message 2 → done
///    └─ 10 s → failed
/// ```
///
/// While it waits it sends up to six messages 1, each with an ephemeral key of its own. Datagrams that do not belong to
/// one of them are ignored. So are forged ones that do, but the attempt that they answer is lost, because a Noise state
/// reads one message.
package struct HandshakeInitiator: ~Copyable {
    private static let length = 1_200
    /// Nanoseconds after the first message 1.
    private static let schedule: [Int64] = [0, 250, 750, 1_750, 3_750, 7_750].map { $0 * 1_000_000 }
    private static let patience: Int64 = 10_000_000_000

    /// A message 1 that waits for its answer.
    private final class Attempt {
        var state: NoiseXX.Initiator.SentMessage1?
        let answerID: ConnectionID
        let cookieID: ConnectionID
        /// mac1, which a cookie is bound to.
        let code: [UInt8]

        init(
            state: consuming NoiseXX.Initiator.SentMessage1,
            answerID: ConnectionID,
            cookieID: ConnectionID,
            code: [UInt8]
        ) {
            self.state = consume state
            self.answerID = answerID
            self.cookieID = cookieID
            self.code = code
        }

        func take() -> NoiseXX.Initiator.SentMessage1? {
            var taken: NoiseXX.Initiator.SentMessage1?
            swap(&taken, &state)
            return taken
        }
    }

    private let identity: IdentityKey
    private let peer: EndpointID
    private let parameters: SessionParameters
    private let staticKey: StaticKey
    private let probe: ProbeKey
    private let start: Instant
    private var attempts: [Attempt] = []
    private var sent = 0
    private var cookie: [UInt8]?
    /// A cookie lets one message 1 go out before its time.
    private var sendsAtOnce = false

    /// - Parameters:
    ///   - peer: the responder's Endpoint ID.
    ///   - contactSecret: that of the ticket, 16 bytes, or empty.
    package init(
        identity: IdentityKey,
        peer: EndpointID,
        contactSecret: [UInt8] = [],
        parameters: SessionParameters,
        staticKey: StaticKey = StaticKey(),
        now: Instant
    ) {
        self.identity = identity
        self.peer = peer
        self.parameters = parameters
        self.staticKey = staticKey
        probe = ProbeKey(responder: peer, contactSecret: contactSecret)
        start = now
    }

    /// When `poll(_:)` has something to do.
    package var nextDeadline: Instant {
        if sendsAtOnce { return start }
        return start + (sent < Self.schedule.count ? Self.schedule[sent] : Self.patience)
    }

    /// The next message 1, if it is time for one.
    package mutating func poll(_ now: Instant) throws(HandshakeFailure) -> [UInt8]? {
        if now >= start + Self.patience { throw .unanswered }
        guard now >= nextDeadline, sent < Self.schedule.count else { return nil }
        sendsAtOnce = false
        sent += 1
        return writeMessage1()
    }

    private mutating func writeMessage1() -> [UInt8] {
        let noise = NoiseXX.Initiator(
            prologue: HandshakePrologue.bytes(peer),
            staticKey: staticKey,
            ephemeral: EphemeralKey(.representative)
        )
        var message = [UInt8](repeating: 0xff, count: ConnectionID.length)
        let padding = Self.length - message.count - NoiseXX.message1Overhead - 2 * ProbeKey.codeLength
        let state = noise.writeMessage1(payload: [UInt8](randomCount: padding), to: &message)
        let representative = Array(message[ConnectionID.length..<ConnectionID.length + X25519.keyLength])
        let code = probe.code(of: message)
        message += code
        message += cookie.map { ProbeKey.code(of: message, cookie: $0) } ?? [UInt8](randomCount: ProbeKey.codeLength)
        attempts.append(
            Attempt(
                state: state,
                answerID: probe.connectionID(of: .second, answering: representative),
                cookieID: probe.connectionID(of: .cookie, answering: representative),
                code: code
            )
        )
        return message
    }

    /// Reads a datagram. Nil: it was none of ours, or forged, or a cookie, which `poll(_:)` uses.
    ///
    /// - Throws: what an authentic responder did wrong.
    package mutating func receive(_ datagram: [UInt8]) throws(HandshakeFailure) -> EstablishedHandshake? {
        guard let id = ConnectionID(of: datagram.rawBytes) else { return nil }
        if let attempt = attempts.first(where: { $0.answerID == id }) {
            return try readMessage2(datagram, of: attempt)
        }
        if let attempt = attempts.first(where: { $0.cookieID == id }) { readCookie(datagram, of: attempt) }
        return nil
    }

    private func readMessage2(
        _ datagram: [UInt8],
        of attempt: Attempt
    ) throws(HandshakeFailure) -> EstablishedHandshake? {
        guard datagram.count >= ConnectionID.length + NoiseXX.message2Overhead, let state = attempt.take() else {
            return nil
        }
        let message = datagram.span.extracting(droppingFirst: ConnectionID.length)
        let read: NoiseXX.Initiator.ReadMessage2
        do throws(NoiseFailure) { read = try state.readMessage2(message) } catch { return nil }
        let proof = try IdentityProof(verifying: read.payload, role: .responder, hash: read.hash)
        guard proof.endpointID == peer else { throw .wrongIdentity }
        let representative = Array(datagram[ConnectionID.length..<ConnectionID.length + X25519.keyLength])
        let id = probe.connectionID(of: .third, answering: representative)
        var reply: [UInt8] = []
        reply.append(bigEndian: id.value)
        do throws(NoiseFailure) {
            let writing = try read.writeKeys(to: &reply)
            let payload = sign(writing.hash)
            let outcome = writing.writePayload(payload, to: &reply)
            return EstablishedHandshake(
                role: .initiator,
                peer: peer,
                suite: parameters.commonSuite(with: proof.parameters),
                peerParameters: proof.parameters,
                k1: outcome.k1,
                k2: outcome.k2,
                message3ID: id,
                reply: reply
            )
        } catch { throw .noise(error) }
    }

    private func sign(_ hash: [UInt8]) -> [UInt8] {
        IdentityProof.payload(identity, role: .initiator, hash: hash, parameters: parameters)
    }

    private mutating func readCookie(_ datagram: [UInt8], of attempt: Attempt) {
        let nonceEnd = ConnectionID.length + XChaCha20Poly1305.nonceLength
        let end = nonceEnd + ProbeKey.codeLength + XChaCha20Poly1305.tagLength
        guard datagram.count >= end, cookie == nil || !sendsAtOnce else { return }
        let code = attempt.code
        var sealed = Array(datagram[nonceEnd..<end])
        var span = sealed.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        let isAuthentic = XChaCha20Poly1305.open(
            &raw,
            key: probe.cookieKey,
            nonce: datagram[ConnectionID.length..<nonceEnd],
            authenticating: code.rawBytes
        )
        guard isAuthentic else { return }
        cookie = Array(sealed.prefix(ProbeKey.codeLength))
        sendsAtOnce = sent < Self.schedule.count
    }
}
