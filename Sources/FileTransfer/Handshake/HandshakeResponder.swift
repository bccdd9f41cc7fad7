package import Cryptography
package import Identity

/// The responder's side of all handshakes of a socket, without I/O and clock: section 1 of `Docs/COURIER-PROTOCOL.md`.
///
/// It keeps a bounded number of unfinished handshakes, for 10 s, and never answers with more bytes than it got.
package struct HandshakeResponder: ~Copyable {
    private static let smallest = 1_200
    private static let largest = 1_452
    private static let patience: Int64 = 10_000_000_000
    private static let cookieLifetime: Int64 = 120_000_000_000
    private static let mostForSource = 8
    private static let most = 256
    /// From so many unfinished handshakes on, an initiator must show that it gets what is sent to its address.
    private static let cookiesFrom = 64

    /// Where a datagram came from: the address in 16 bytes (IPv4 as ::ffff:a.b.c.d) and the port in 2.
    package typealias Source = [UInt8]

    package enum Answer {
        /// Nothing to send: no message of ours, forged, or too many.
        case ignored
        case send([UInt8])
        case established(EstablishedHandshake)
    }

    /// A handshake that waits for message 3.
    private final class Pending {
        var state: NoiseXX.Responder.SentMessage2?
        let source: Source
        let expires: Instant
        let message1: BLAKE3.Digest
        let message2: [UInt8]

        init(
            state: consuming NoiseXX.Responder.SentMessage2,
            source: Source,
            expires: Instant,
            message1: BLAKE3.Digest,
            message2: [UInt8]
        ) {
            self.state = consume state
            self.source = source
            self.expires = expires
            self.message1 = message1
            self.message2 = message2
        }

        func take() -> NoiseXX.Responder.SentMessage2? {
            var taken: NoiseXX.Responder.SentMessage2?
            swap(&taken, &state)
            return taken
        }
    }

    private let identity: IdentityKey
    private let parameters: SessionParameters
    private let staticKey: StaticKey
    private let probe: ProbeKey
    private var pending: [ConnectionID: Pending] = [:]
    private var repeats: [BLAKE3.Digest: ConnectionID] = [:]
    private var cookieSecret = Secret([UInt8](randomCount: 32))
    private var previousCookieSecret = Secret([UInt8](randomCount: 32))
    private var cookieSecretExpires: Instant

    /// - Parameter contactSecret: what a ticket of ours contains, 16 bytes, or empty.
    package init(
        identity: IdentityKey,
        contactSecret: [UInt8] = [],
        parameters: SessionParameters,
        staticKey: StaticKey = StaticKey(),
        now: Instant
    ) {
        self.identity = identity
        self.parameters = parameters
        self.staticKey = staticKey
        probe = ProbeKey(responder: identity.endpointID, contactSecret: contactSecret)
        cookieSecretExpires = now + Self.cookieLifetime
    }

    /// How many handshakes are unfinished.
    package var pendingCount: Int { pending.count }

    /// Reads a datagram whose connection ID is that of a handshake, or unknown.
    package mutating func receive(_ datagram: [UInt8], from source: Source, _ now: Instant) -> Answer {
        guard let id = ConnectionID(of: datagram.rawBytes) else { return .ignored }
        if id == .handshake { return readMessage1(datagram, from: source, now) }
        if let handshake = pending[id] { return readMessage3(datagram, id, handshake, now) }
        return .ignored
    }

    private mutating func readMessage1(_ datagram: [UInt8], from source: Source, _ now: Instant) -> Answer {
        guard (Self.smallest...Self.largest).contains(datagram.count) else { return .ignored }
        let codesStart = datagram.count - 2 * ProbeKey.codeLength
        let code = Array(datagram[codesStart..<codesStart + ProbeKey.codeLength])
        // In constant time, because a code that is found byte by byte would open the way to our state.
        guard Secret(probe.code(of: Array(datagram[..<codesStart]))) == Secret(code) else { return .ignored }
        forgetExpired(now)
        let digest = BLAKE3.hash(datagram.rawBytes)
        if let id = repeats[digest], let known = pending[id] {
            return known.source == source ? .send(known.message2) : .ignored
        }
        if pending.count >= Self.cookiesFrom, !hasCookie(datagram, source, now) {
            return .send(cookie(answering: datagram, code: code, source, now))
        }
        guard pending.count < Self.most,
            pending.values.count(where: { $0.source.prefix(16) == source.prefix(16) }) < Self.mostForSource
        else { return .ignored }
        return writeMessage2(answering: datagram, codesStart, digest, source, now)
    }

    private mutating func writeMessage2(
        answering datagram: [UInt8],
        _ codesStart: Int,
        _ digest: BLAKE3.Digest,
        _ source: Source,
        _ now: Instant
    ) -> Answer {
        let noise = NoiseXX.Responder(
            prologue: HandshakePrologue.bytes(identity.endpointID),
            encoding: .representative
        )
        let representative = Array(datagram[ConnectionID.length..<ConnectionID.length + X25519.keyLength])
        var message: [UInt8] = []
        message.append(bigEndian: probe.connectionID(of: .second, answering: representative).value)
        do throws(NoiseFailure) {
            let read = try noise.readMessage1(datagram.span.extracting(ConnectionID.length..<codesStart))
            let writing = try read.writeKeys(
                staticKey: staticKey,
                ephemeral: EphemeralKey(.representative),
                to: &message
            )
            let payload = IdentityProof.payload(
                identity,
                role: .responder,
                hash: writing.hash,
                parameters: parameters
            )
            let state = writing.writePayload(payload, to: &message)
            let own = Array(message[ConnectionID.length..<ConnectionID.length + X25519.keyLength])
            let id = probe.connectionID(of: .third, answering: own)
            pending[id] = Pending(
                state: state,
                source: source,
                expires: now + Self.patience,
                message1: digest,
                message2: message
            )
            repeats[digest] = id
            return .send(message)
        } catch { return .ignored }
    }

    private mutating func readMessage3(
        _ datagram: [UInt8],
        _ id: ConnectionID,
        _ handshake: Pending,
        _ now: Instant
    ) -> Answer {
        guard datagram.count <= Self.largest, now < handshake.expires,
            datagram.count >= ConnectionID.length + NoiseXX.message3Overhead, let state = handshake.take()
        else { return .ignored }
        // The state is used up, whatever the message is.
        forget(id, handshake)
        do {
            let read = try state.readMessage3(datagram.span.extracting(droppingFirst: ConnectionID.length))
            let proof = try IdentityProof(verifying: read.payload, role: .initiator, hash: read.hash)
            let outcome = read.split()
            return .established(
                EstablishedHandshake(
                    role: .responder,
                    peer: proof.endpointID,
                    suite: parameters.commonSuite(with: proof.parameters),
                    peerParameters: proof.parameters,
                    k1: outcome.k1,
                    k2: outcome.k2,
                    message3ID: id,
                    reply: []
                )
            )
        } catch { return .ignored }
    }

    private mutating func forgetExpired(_ now: Instant) {
        for (id, handshake) in pending where handshake.expires <= now { forget(id, handshake) }
    }

    private mutating func forget(_ id: ConnectionID, _ handshake: Pending) {
        pending[id] = nil
        repeats[handshake.message1] = nil
    }

    // MARK: Cookies

    private mutating func hasCookie(_ datagram: [UInt8], _ source: Source, _ now: Instant) -> Bool {
        rotateCookieSecret(now)
        let codeStart = datagram.count - ProbeKey.codeLength
        let code = Secret(datagram[codeStart...])
        let bytes = Array(datagram[..<codeStart])
        return [cookieSecret, previousCookieSecret].contains { secret in
            Secret(ProbeKey.code(of: bytes, cookie: Self.cookie(source, secret))) == code
        }
    }

    private mutating func cookie(
        answering datagram: [UInt8],
        code: [UInt8],
        _ source: Source,
        _ now: Instant
    ) -> [UInt8] {
        rotateCookieSecret(now)
        let representative = Array(datagram[ConnectionID.length..<ConnectionID.length + X25519.keyLength])
        let nonce = [UInt8](randomCount: XChaCha20Poly1305.nonceLength)
        var sealed = Self.cookie(source, cookieSecret) + [UInt8](repeating: 0, count: XChaCha20Poly1305.tagLength)
        var span = sealed.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        XChaCha20Poly1305.seal(&raw, key: probe.cookieKey, nonce: nonce, authenticating: code.rawBytes)
        var message: [UInt8] = []
        message.append(bigEndian: probe.connectionID(of: .cookie, answering: representative).value)
        return message + nonce + sealed
    }

    private mutating func rotateCookieSecret(_ now: Instant) {
        guard now >= cookieSecretExpires else { return }
        // After a long pause the previous one has expired, too.
        let isRecent = now < cookieSecretExpires + Self.cookieLifetime
        previousCookieSecret = isRecent ? cookieSecret : Secret([UInt8](randomCount: 32))
        cookieSecret = Secret([UInt8](randomCount: 32))
        cookieSecretExpires = now + Self.cookieLifetime
    }

    private static func cookie(_ source: Source, _ secret: Secret) -> [UInt8] {
        Array(BLAKE3.keyedHash(source.rawBytes, key: secret).prefix(ProbeKey.codeLength))
    }
}
