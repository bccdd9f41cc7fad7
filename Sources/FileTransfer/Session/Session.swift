internal import Cryptography

/// A session after its handshake, as a value without I/O and clock: sections 2 to 4 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// open ─ close(_:_:) or a violation → closing ─ CLOSE sent → ended
///   ├─ CLOSE of the peer → ended
///   └─ idle timeout → ended
/// ```
///
/// The caller passes what arrives to ``receive(_:segment:from:now:)``, sends what ``send(into:now:)`` fills in until it
/// fills in nothing, and calls ``timeout(now:)`` at ``nextDeadline(now:)``. A packet is opened and sealed where it
/// lies, and its payload is copied once.
///
/// What the peer does wrong ends the session with CLOSE. Packets that do not open are dropped and counted.
package struct Session<Content: SessionContent & ~Copyable>: ~Copyable {
    /// Packets that are opened or sealed in one call: as many as a run of the kernel has.
    static var mostPackets: Int { 64 }
    /// Between two looks at files that are being made.
    private static var sinkPause: Int64 { 1_000_000 }

    let role: HandshakeRole
    /// When keys of the past are overwritten.
    var forgetsKeysAt: Instant?
    var sealer: PacketSealer
    var opener: PacketOpener
    var recovery: LossRecovery<CongestionControl>
    var received = ReceivedPackets()
    var frames: SessionFrames<Content>
    var controlIn: ControlReceiver
    var incoming = IncomingStreams()
    /// Bytes of a full datagram: what the path takes for certain.
    package internal(set) var datagramSize = PathMTU.base
    /// Bytes of the largest datagram that the peer receives and this end sends.
    let datagramLimit: Int
    var paths = PeerPaths()
    /// Recovery's index of the session's path, 0 or 1, and when the other one is given up.
    var recoveryPath = 0
    var leavesPathAt: Instant?
    /// Of the packets that are being received: whether they came from another address, and the number under which it
    /// is kept.
    var isElsewhere = false
    var arrivalPath: Int?
    /// Packets that came since this end last asked a silent peer.
    var recentArrivals = 0

    /// Bytes of file data that came, each once, and how many we admit.
    var receivedBytes: UInt64 = 0
    var grantedBytes: UInt64
    var pong: InlineArray<16, UInt8>?
    /// PING or anything else that must be acknowledged is to go out now.
    var owesProbe = false
    /// A PING was asked for, and when it went.
    var isPinging = false
    var pingSent: Instant?
    /// Nanoseconds that the peer's answers to ``ping()`` took.
    package internal(set) var pingTimes: [Int64] = []
    var isPacerLimited = false
    var limits: SendLimits
    /// Whether no data of files is to move for now. Either end may say so for itself: a sender sends none, a receiver
    /// admits no more than it has. The session stays open.
    package var isPaused = false

    /// Nanoseconds of silence after which it ends. A third of them after its last packet an end sends one.
    package let idleTimeout: Int64
    /// When something authentic came last.
    package internal(set) var lastReceived: Instant
    var lastSent: Instant
    package internal(set) var hasReceived = false
    /// CLOSE is to be sent.
    var closing: (code: CloseCode, reason: String)?
    /// How often CLOSE may go again because the peer still sends.
    var closesLeft = 2
    /// Set when the session is over.
    package internal(set) var end: SessionEnd?

    /// - Parameters:
    ///   - parameters: what this end said in the handshake.
    ///   - datagramSize: bytes of a datagram that this machine's route takes; whether the path does is found out.
    package init(
        _ handshake: EstablishedHandshake,
        parameters: SessionParameters,
        content: consuming Content,
        datagramSize: Int,
        congestion: CongestionControl.Algorithm = .cubic,
        now: Instant
    ) {
        role = handshake.role
        let root = PacketRoot(k1: handshake.k1, k2: handshake.k2)
        sealer = PacketSealer(Rekeying.keys(root, from: handshake.role, handshake.suite))
        opener = PacketOpener(Rekeying.keys(root, from: handshake.role.peer, handshake.suite))
        let peer = handshake.peerParameters
        datagramLimit = min(SessionParameters.largestDatagram, peer.maximumDatagram)
        recovery = LossRecovery(CongestionControl(congestion, datagramSize: PathMTU.base))
        recovery.receiveBuffer = Int(peer.receiveBuffer)
        frames = SessionFrames(
            content: content,
            rekeying: Rekeying(root, role: handshake.role, suite: handshake.suite, now: now),
            mtu: PathMTU(limit: datagramLimit, route: datagramSize),
            credit: peer.sessionCredit,
            controlCredit: UInt64(peer.controlCredit)
        )
        controlIn = ControlReceiver(window: UInt64(parameters.controlCredit))
        grantedBytes = parameters.sessionCredit
        idleTimeout = Int64(min(parameters.idleTimeout, peer.idleTimeout)) * 1_000_000
        limits = SendLimits(now: now)
        lastReceived = now
        lastSent = now
        // The peer learns that its message 3 arrived.
        owesProbe = handshake.role == .responder
    }

    /// The connection IDs by which packets of this session are found.
    package var connectionIDs: [ConnectionID] {
        guard let ids = opener.connectionIDs(of: opener.epoch) else { return [] }
        return ids.indices.map { ConnectionID(ids[$0]) }
    }

    /// What the session carries.
    package var content: Content {
        _read { yield frames.content }
        _modify { yield &frames.content }
    }

    /// Whether CLOSE goes out next.
    package var isClosing: Bool { closing != nil }
    package var isEnded: Bool { end != nil }
    /// Packets that were declared lost, bytes in flight and the like, for people.
    package var roundTripTime: Int64 { recovery.paths[recoveryPath].time.smoothed }
    /// Whether everything is acknowledged that must be. ACKs of ours may not be: no ACK goes out for them alone.
    package var isQuiet: Bool {
        recovery.nextDeadline == nil && frames.control.isAcknowledged && !frames.content.hasMessages
            && frames.openings.isEmpty
    }

    /// Ends the session: CLOSE goes out with the next packet.
    package mutating func close(_ code: CloseCode, _ reason: String = "") {
        guard end == nil, closing == nil else { return }
        closing = (code, reason)
    }

    mutating func violate(_ reason: String) { close(.violation, reason) }

    /// Asks the peer for an answer now; ``pingTimes`` gets the time that it took.
    package mutating func ping() {
        owesProbe = true
        isPinging = true
    }

    /// The peer's copy of message 3 came again: it does not know that the session is open.
    package mutating func repeatedHandshake() { owesProbe = true }

    // MARK: Timers

    /// When ``timeout(now:)`` or ``send(into:now:)`` has something to do.
    package mutating func nextDeadline(now: Instant) -> Instant? {
        guard end == nil || closing != nil else { return nil }
        if closing != nil || frames.content.hasWork { return now }
        var deadline = lastReceived + idleTimeout
        func take(_ other: Instant?) { if let other, other < deadline { deadline = other } }
        take(lastSent + idleTimeout / 3)
        take(recovery.nextDeadline)
        take(received.nextDeadline)
        if isPacerLimited { take(recovery.nextSend(bytes: datagramSize, path: recoveryPath, now: now) ?? now) }
        if !paths.isQuiet || leavesPathAt != nil { take(pathDeadline) }
        take(silenceDeadline)
        if frames.content.isAwaitingSink { take(now + Self.sinkPause) }
        return deadline
    }

    package mutating func timeout(now: Instant) {
        guard end == nil else { return }
        if now >= lastReceived + idleTimeout {
            end = .idle
            return
        }
        // A path with a firewall forgets a session that is silent, and the peer's idle timeout runs too.
        if now >= lastSent + idleTimeout / 3 { owesProbe = true }
        admitMore()
        if let deadline = silenceDeadline, now >= deadline {
            recentArrivals = 0
            owesProbe = true
        }
        updatePaths(now: now)
        updateKeys(now: now)
        if let deadline = recovery.nextDeadline, deadline <= now {
            if !recovery.timeout(now: now, handler: &frames).isEmpty { owesProbe = true }
            updateDatagramSize()
        }
    }
}
