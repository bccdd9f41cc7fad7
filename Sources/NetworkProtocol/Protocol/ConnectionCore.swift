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

    private enum Pause { case reading, keyChange }

    /// Bytes that are decompressed, or read in a format other than bincode, before other connections of the event loop
    /// get their turn.
    static let workPerYield = 64 * 1024

    let side: Side
    /// Nil without a handshake.
    private let trust: Trust?
    private let contexts: CipherContexts
    private let maximumPayloadLength: Int
    private let handshakeTimeout: Duration
    private(set) var phase = Phase.connecting
    private var decoder = PacketDecoder(limit: HandshakeLimits.maximumPayloadLength)
    /// Both are dropped when the connection ends.
    private var sealer: RecordSealer?
    private var opener: RecordOpener?
    private var keyChanges = KeyChanges()
    private var heartbeat: Heartbeat
    /// The peer's, according to its last message.
    private(set) var format: MessageFormat
    private var pause: Pause?
    private var workSinceYield = 0
    /// The peer sends nothing more.
    private(set) var isInputClosed = false
    /// The reason why the connection ended, or will end.
    private(set) var end: ConnectionError?
    private(set) var wasOpened = false
    /// Whether ``connected(now:wallClock:using:)`` was called.
    private(set) var hasBegun = false
    /// The deadline of the handshake, or the next check of the peer.
    private var checkAt: Instant?
    private var lingerUntil: Instant?

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

    // MARK: Starting

    /// TCP, or the socket below TLS, is connected.
    ///
    /// - Parameter wallClock: milliseconds since the Unix epoch.
    mutating func connected(
        now: Instant,
        wallClock: UInt64,
        isTLS: Bool,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        guard case .connecting = phase, !hasBegun else { return .none }
        hasBegun = true
        checkAt = now + min(max(handshakeTimeout, .zero), Heartbeat.longest)
        if isTLS { return .none }
        guard let trust else { return opened(by: nil, now: now) }
        if case .responder = side {
            phase = .awaitingInit
            return .none
        }
        let initiator = HandshakeInitiator(trust: trust, timestamp: wallClock, using: &generator)
        phase = .awaitingResponse(initiator)
        return .send(.handshakeInit(initiator.opening))
    }

    /// TLS has verified the peer.
    mutating func completedTLS(now: Instant) -> Step {
        guard case .connecting = phase else { return .none }
        return opened(by: nil, now: now)
    }

    private mutating func opened(by peer: EndpointID?, mustAccept: Bool = false, now: Instant) -> Step {
        decoder.limit = maximumPayloadLength
        phase = .open
        wasOpened = true
        heartbeat.paused(now: now)
        checkAt = heartbeat.firstCheck
        return .opened(peer, mustAccept: mustAccept)
    }

    /// The answer to a peer's opening.
    ///
    /// - Parameter seen: returns whether the opening was seen before, and remembers it.
    mutating func answer(
        _ opening: HandshakeInit,
        wallClock: UInt64,
        seen: (HandshakeInit) -> Bool,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        guard case .awaitingInit = phase, let trust else { return .none }
        do throws(HandshakeError) {
            let responder = try HandshakeResponder(
                trust: trust,
                opening: opening,
                now: wallClock,
                seen: seen,
                using: &generator
            )
            phase = .awaitingConfirm(responder)
            return .send(.handshakeResponse(responder.response))
        } catch {
            // Nothing is secret yet, and a peer whose clock is wrong should find out.
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: HandshakeError) -> Step {
        if end == nil { end = .handshake(error) }
        return .refuse(error)
    }

    private mutating func confirm(
        _ initiator: HandshakeInitiator,
        _ response: HandshakeResponse,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        do throws(HandshakeError) {
            let (confirm, result) = try initiator.receive(response)
            seal(result, now)
            phase = .awaitingAcceptance(result)
            return .confirm(confirm)
        } catch {
            throw .handshake(error)
        }
    }

    private mutating func accept(
        _ responder: HandshakeResponder,
        _ confirm: HandshakeConfirm,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        do throws(HandshakeError) {
            let (result, refusal) = try responder.receive(confirm)
            seal(result, now)
            if let refusal { return refuse(refusal) }
            return opened(by: result.peer, mustAccept: true, now: now)
        } catch {
            throw .handshake(error)
        }
    }

    /// From here on everything is sealed, in both directions.
    private mutating func seal(_ result: HandshakeResult, _ now: Instant) {
        sealer = RecordSealer(secret: result.sending, contexts: contexts, now: now)
        opener = RecordOpener(secret: result.receiving, contexts: contexts)
    }

    // MARK: Receiving

    /// Takes the next packet out of `input`, starting at `position`, which moves behind it; nil if there is no complete
    /// packet.
    ///
    /// Must not be called while ``isPaused``. A thrown error ends the connection.
    mutating func next(
        _ input: Span<UInt8>,
        at position: inout Int,
        now: Instant
    ) throws(ConnectionError) -> Step? {
        let frame: PacketDecoder.Frame?
        do throws(PacketError) {
            frame = try decoder.frame(input, at: &position)
        } catch {
            throw .malformedPacket(error)
        }
        switch frame {
        case .whole(let header, let range):
            heartbeat.completedPacket()
            let payload = input.extracting(range)
            if opener == nil, header.flags.isEmpty, payload.count > 0, !isText(payload) {
                let (message, format) = try read(payload)
                return try take(message, format, bytes: payload.count, now)
            }
            return try receive(Packet(header: header, payload: Array(copying: payload)), now)
        case .packet(let packet):
            heartbeat.completedPacket()
            return try receive(packet, now)
        case nil: return nil
        }
    }

    private func read(_ payload: Span<UInt8>) throws(ConnectionError) -> (message: Message, format: MessageFormat) {
        do throws(MessageError) {
            return try Message.read(payload)
        } catch {
            throw .malformedMessage(error)
        }
    }

    /// Whether its format takes long to read.
    private func isText(_ payload: Span<UInt8>) -> Bool {
        switch MessageFormat(markOf: payload, first: payload[0]) {
        case .json, .messagePack: true
        case .bincode, nil: false
        }
    }

    /// Bytes arrived and were processed as far as possible.
    mutating func received(now: Instant) {
        heartbeat.received(now: now, isInsidePacket: decoder.isInsidePacket, missing: decoder.missing)
    }

    /// This side does not read, so silence is not the peer's fault.
    mutating func paused(now: Instant) { heartbeat.paused(now: now) }

    /// Opens, decompresses and reads a packet.
    private mutating func receive(_ packet: consuming Packet, _ now: Instant) throws(ConnectionError) -> Step {
        var flags = packet.header.flags
        var payload: [UInt8]
        if opener != nil {
            if mustWait(packet, now) {
                pause = .keyChange
                return .changeKey(packet)
            }
            guard let opened = try open(packet, now) else { return .none }
            payload = opened
            flags.remove(.encrypted)
        } else {
            guard !flags.contains(.encrypted) else { throw .protocolViolation("a sealed packet before any handshake") }
            payload = packet.payload
        }
        let inbound = InboundPayload(payload, flags: flags, limit: maximumPayloadLength)
        guard case .open = phase else {
            if !flags.isEmpty { throw .protocolViolation("a compressed packet inside the handshake") }
            return try take(inbound.read(), now)
        }
        let work = try inbound.work()
        workSinceYield += work
        if work > 0, workSinceYield >= ConnectionCore.workPerYield {
            pause = .reading
            return .read(inbound, work: work)
        }
        return try take(inbound.read(), now)
    }

    /// A payload was read on another thread.
    mutating func resume(
        with content: Result<InboundPayload.Content, ConnectionError>,
        now: Instant
    ) throws(ConnectionError) -> Step {
        pause = nil
        workSinceYield = 0
        guard case .open = phase else { return .none }
        return try take(try content.get(), now)
    }

    /// It is the turn of a change of the peer's key.
    mutating func changeKey(_ packet: Packet, now: Instant) throws(ConnectionError) {
        pause = nil
        guard case .open = phase else { return }
        // Its length shows that it is empty.
        _ = try open(packet, now)
    }

    /// The record's payload; nil for a key change, which has been made.
    private mutating func open(_ packet: consuming Packet, _ now: Instant) throws(ConnectionError) -> [UInt8]? {
        // Sealed connections accept only sealed packets, from the first record on: there is no way back into the clear.
        guard let opened = opener?.open(packet) else { throw .notAuthentic }
        guard opened.isEmpty else { return opened }
        guard keyChanges.admit(now: now) else {
            throw .protocolViolation(
                "it changed its key more than \(KeyChanges.most) times, and more than once in \(KeyChanges.interval)"
            )
        }
        return nil
    }

    /// Whether an empty record must wait for its turn, because the same connection sent one a short time ago. No other
    /// record waits, and none within a handshake, where everything is processed at once.
    private mutating func mustWait(_ packet: borrowing Packet, _ now: Instant) -> Bool {
        guard packet.header.payloadLength == RecordCipher.tagLength, case .open = phase else { return false }
        return keyChanges.isFurther(now: now)
    }

    private mutating func take(_ content: InboundPayload.Content, _ now: Instant) throws(ConnectionError) -> Step {
        try take(content.message, content.format, bytes: content.bytes, now)
    }

    private mutating func take(
        _ message: Message,
        _ format: MessageFormat,
        bytes: Int,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        switch phase {
        case .open:
            self.format = format
            return try takeOpen(message, bytes: bytes)
        case .finishing, .lingering, .closed: return .none
        case .connecting, .awaitingResponse, .awaitingAcceptance, .awaitingInit, .awaitingConfirm:
            guard format == .bincode else { throw .protocolViolation("a handshake that is not in bincode") }
            return try takeOpening(message, now)
        }
    }

    private mutating func takeOpening(_ message: Message, _ now: Instant) throws(ConnectionError) -> Step {
        switch (phase, message) {
        case (.awaitingInit, .handshakeInit(let opening)): return .answer(opening)
        case (.awaitingConfirm(let responder), .handshakeConfirm(let confirm)):
            return try accept(responder, confirm, now)
        case (.awaitingResponse(let initiator), .handshakeResponse(let response)):
            return try self.confirm(initiator, response, now)
        case (.awaitingAcceptance(let result), .pong): return opened(by: result.peer, now: now)
        case (.awaitingResponse, .failure(_, let code, let reason)),
            (.awaitingAcceptance, .failure(_, let code, let reason)):
            throw .refused(code: code, reason: ConnectionCore.sanitized(reason))
        default: throw .handshake(.unexpectedMessage(message.name))
        }
    }

    private func takeOpen(_ message: Message, bytes: Int) throws(ConnectionError) -> Step {
        switch message {
        case .ping: return .ping
        case .pong: return .pong
        case .disconnect: return .disconnected
        case .failure(0, let code, let reason): throw .refused(code: code, reason: ConnectionCore.sanitized(reason))
        case .handshakeInit, .handshakeResponse, .handshakeConfirm:
            throw .protocolViolation("\(message.name) on a connection that is open")
        case .echo, .custom, .data, .unknown, .request, .response, .failure: return .message(message, bytes: bytes)
        }
    }

    /// A reason in a form that may be shown and logged: the peer chose it.
    static func sanitized(_ reason: String) -> String { UntrustedText.sanitized(reason, limit: 400) }

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

    // MARK: Ending

    enum Finishing {
        /// The connection has begun to end for this reason.
        case began(ConnectionError)
        /// It was not open: end it at once.
        case fail
        case ignored
    }

    /// Closes in order: messages in progress are answered, and queued messages are sent.
    mutating func finish(_ reason: ConnectionError) -> Finishing {
        switch phase {
        case .open: break
        case .finishing, .lingering, .closed: return .ignored
        default: return .fail
        }
        phase = .finishing(hasSentDisconnect: false)
        let end = end ?? reason
        self.end = end
        return .began(end)
    }

    enum InputEnd {
        /// Received bytes are still processed; then the caller calls ``allRead()``.
        case proceed
        case fail(ConnectionError)
        case ignored
    }

    /// The peer's system has no more bytes.
    mutating func inputClosed() -> InputEnd {
        guard !isInputClosed else { return .ignored }
        isInputClosed = true
        switch phase {
        case .open, .finishing, .lingering: return .proceed
        case .closed: return .ignored
        default: return .fail(.closedByPeer)
        }
    }

    /// Called after the end of the input, when all bytes were processed. Returns why the connection ends now; nil if it
    /// does not end yet, or has ended.
    func allRead() -> (error: ConnectionError, isViolation: Bool)? {
        guard isInputClosed, !isPaused, case .open = phase else { return nil }
        if decoder.isInsidePacket {
            return (.protocolViolation("it closed the connection inside a packet"), true)
        }
        return (endOfInput, false)
    }

    /// What it means that the system has no more bytes from the peer. The system does not know what ended them. On a
    /// sealed connection only the peer's Disconnect tells, and that has already set ``end``.
    private var endOfInput: ConnectionError { opener == nil ? .closedByPeer : .truncated }

    /// While finishing: how to continue.
    ///
    /// - Parameters:
    ///   - isIdle: whether everything is answered and written.
    ///   - lingering: how long the peer may take to close its side after everything is sent.
    mutating func proceed(isIdle: Bool, lingering: Duration, now: Instant) -> ClosingAction {
        if case .lingering = phase { return isInputClosed ? .close : .wait }
        guard case .finishing(let hasSentDisconnect) = phase, isIdle else { return .wait }
        if !hasSentDisconnect, end != .closedByPeer || !isInputClosed {
            phase = .finishing(hasSentDisconnect: true)
            return .sendDisconnect
        }
        if isInputClosed { return .close }
        phase = .lingering
        lingerUntil = now + lingering
        return .linger
    }

    /// Whether a ping may be sent while the connection ends.
    var canSendMore: Bool { if case .finishing(hasSentDisconnect: false) = phase { true } else { false } }

    /// The task that waits for the connection gave up.
    mutating func giveUp() { if end == nil { end = .cancelled } }

    /// Ends the connection for this reason, unless there already is one. Returns the error for all waiting tasks; nil
    /// if it had ended before.
    mutating func fail(_ error: ConnectionError) -> ConnectionError? {
        if !isClosed, end == nil { end = error }
        return close(error)
    }

    /// The channel is closed: like ``fail(_:)``, but finds out what it means that the peer closed it.
    mutating func close(_ error: ConnectionError) -> ConnectionError? {
        if isClosed { return nil }
        let error = end ?? (error == .closedByPeer && wasOpened ? endOfInput : error)
        end = error
        phase = .closed
        decoder = PacketDecoder(limit: 0)
        sealer = nil
        opener = nil
        checkAt = nil
        lingerUntil = nil
        return error
    }
}

extension RecordSealer {
    fileprivate mutating func give<Value>(to body: (inout RecordSealer) -> Value) -> Value { body(&self) }
}
