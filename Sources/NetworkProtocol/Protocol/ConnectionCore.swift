internal import Cryptography
internal import Identity

/// One connection as a value: bytes and events in, steps out. It contains no channel, clock, lock or task, so every
/// race can be tested.
///
///     initiator, handshake   connecting ─▶ awaiting response ─▶ awaiting acceptance ─▶ open ─▶ finishing ─▶ …
///     responder, handshake   connecting ─▶ awaiting init ─▶ awaiting confirm ─▶ open ─▶ finishing ─▶ …
///     TLS, or nothing        connecting ─▶ open ─▶ finishing ─▶ lingering ─▶ closed
///
/// Events that do not belong to the phase are of three kinds. What the peer must not send is thrown as a
/// ``ConnectionError``, and the caller ends the connection with it. Events that arrive after the end has begun are
/// ignored. Calls that only a bug in this library could make are also ignored: a peer can never make the process trap.
struct ConnectionCore: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    enum Side: Sendable { case initiator, responder }

    enum Phase {
        /// TCP or TLS is not connected yet.
        case connecting
        case awaitingResponse(HandshakeInitiator)
        case awaitingAcceptance(HandshakeResult)
        case awaitingInit
        case awaitingConfirm(HandshakeResponder)
        case open
        /// Nothing more is accepted from the peer; messages in progress are answered, and queued messages are written.
        case finishing(hasSentDisconnect: Bool)
        /// Everything is sent, and the peer may still read it.
        case lingering
        case closed
    }

    /// What the caller must do next.
    enum Step {
        /// Send this in the clear: nothing is sealed yet.
        case send(Message)
        /// The initiator's proof: send it in the clear, and everything after it sealed.
        case confirm(HandshakeConfirm)
        /// The peer opens a handshake: call ``answer(_:wallClock:seen:using:)``.
        case answer(HandshakeInit)
        /// The connection is open; the peer has proved this key. `mustAccept`: send a Pong first.
        case opened(EndpointID?, mustAccept: Bool)
        /// Send the peer the reason, and close.
        case refuse(HandshakeError)
        /// A message for the program, or a reply, with the length of its payload in bytes.
        case message(Message, bytes: Int)
        case ping
        case pong
        /// The peer has announced that it sends nothing more.
        case disconnected
        /// Read this payload where it does not block other connections, then call ``resume(with:)``. No packet is
        /// accepted until then.
        case read(InboundPayload, work: Int)
        /// A change of the peer's key that must wait for its turn; then call ``changeKey(_:now:)``. No packet is
        /// accepted until then.
        case changeKey(Packet)
        /// Nothing to do.
        case none
    }

    /// How ``proceed(isIdle:lingering:now:)`` continues.
    enum ClosingAction {
        case wait
        /// Send Disconnect, then ask again.
        case sendDisconnect
        /// Close the outgoing direction, and wait for the peer or ``nextDeadline``.
        case linger
        case close
    }

    /// The result of ``timeout(now:unsentBytes:writtenBytes:isListening:)``.
    enum Timeout {
        case none
        /// Nothing arrived for so long that a ping is due. `isSilent`: nothing at all arrived for an interval.
        case ping(isSilent: Bool)
        case fail(ConnectionError)
        case close
    }

    enum Pause { case reading, keyChange }

    /// Bytes that are decompressed, or read in a format other than bincode, before other connections of the event loop
    /// get their turn.
    static let workPerYield = 64 * 1024

    let side: Side
    /// Nil without a handshake.
    let trust: Trust?
    let contexts: CipherContexts
    let maximumPayloadLength: Int
    let handshakeTimeout: Duration
    var phase = Phase.connecting
    var decoder = PacketDecoder(limit: HandshakeLimits.maximumPayloadLength)
    /// Both are dropped when the connection ends.
    var sealer: RecordSealer?
    var opener: RecordOpener?
    var keyChanges = KeyChanges()
    var heartbeat: Heartbeat
    /// The peer's, according to its last message.
    var format: MessageFormat
    var pause: Pause?
    var workSinceYield = 0
    /// The peer sends nothing more.
    var isInputClosed = false
    /// The reason why the connection ended, or will end.
    var end: ConnectionError?
    var wasOpened = false
    /// Whether ``connected(now:wallClock:using:)`` was called.
    var hasBegun = false
    /// The deadline of the handshake, or the next check of the peer.
    var checkAt: Instant?
    var lingerUntil: Instant?

    /// - Parameter trust: nil without a handshake: TLS has verified the peer, or nothing does.
    init(side: Side, trust: Trust?, options: ConnectionOptions, contexts: CipherContexts, now: Instant) {
        self.side = side
        self.trust = trust
        self.contexts = contexts
        maximumPayloadLength = options.effectiveMaximumPayloadLength
        handshakeTimeout = options.handshakeTimeout
        format = options.format
        heartbeat = Heartbeat(
            interval: options.heartbeatInterval,
            missed: options.missedHeartbeats,
            stall: options.stallTimeout,
            now: now
        )
    }

    // MARK: State

    var isOpen: Bool { if case .open = phase { true } else { false } }
    var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Whether the end has begun.
    var isEnding: Bool {
        switch phase {
        case .finishing, .lingering, .closed: true
        default: false
        }
    }

    /// Whether the connection has yet to open.
    var isOpening: Bool {
        switch phase {
        case .open, .finishing, .lingering, .closed: false
        default: true
        }
    }

    /// Whether no packet is accepted until a payload is read, or until it is the turn of a key change.
    var isPaused: Bool { pause != nil }

    /// Whether packets sent from now on are sealed.
    var isSealed: Bool { sealer != nil }

    /// When ``timeout(now:unsentBytes:writtenBytes:isListening:)`` is due.
    var nextDeadline: Instant? {
        guard let checkAt, let lingerUntil else { return checkAt ?? lingerUntil }
        return min(checkAt, lingerUntil)
    }

    // MARK: Sending

    /// Runs `body` with the sealer; not at all if nothing is sealed, or no longer.
    ///
    /// - Returns: what `body` returns; nil if it did not run.
    mutating func withSealer<Value>(_ body: (inout RecordSealer) -> Value) -> Value? {
        sealer?.give(to: body)
    }

    // MARK: Time

    /// - Parameters:
    ///   - unsentBytes: the part of the written data that the system has not taken.
    ///   - writtenBytes: all that it has taken since the connection started.
    ///   - isListening: whether the socket is read.
    mutating func timeout(
        now: Instant,
        unsentBytes: Int,
        writtenBytes: Int,
        isListening: Bool
    ) -> Timeout {
        if let lingerUntil, now >= lingerUntil { return .close }
        guard let checkAt, now >= checkAt else { return .none }
        switch phase {
        case .open, .finishing, .lingering: break
        case .closed: return .none
        default: return .fail(.timedOut(what: "the handshake"))
        }
        // Nothing is expected of a peer whose data is not read, however long its handlers take.
        let isListening = isListening && isOpen
        if !isListening { heartbeat.paused(now: now) }
        switch heartbeat.check(now: now, unsentBytes: unsentBytes, writtenBytes: writtenBytes) {
        case .fine(let next):
            self.checkAt = next
            // Its pings are not read either, and its own waits may exceed the time in which it expects a sign of life.
            return !isListening && unsentBytes == 0 ? .ping(isSilent: false) : .none
        case .ping(let next):
            self.checkAt = next
            return .ping(isSilent: true)
        case .dead(let error): return .fail(error)
        }
    }
}

extension RecordSealer {
    fileprivate mutating func give<Value>(to body: (inout RecordSealer) -> Value) -> Value { body(&self) }
}
