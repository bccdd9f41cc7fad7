internal import Identity
internal import Logging
internal import NIOCore
internal import NIOTLS

/// What a connection is to be, decided before it is open.
struct ConnectionSetup: Sendable {
    enum Side: Sendable {
        case initiator
        /// `seen` tells whether a handshake's opening was seen before, and remembers it.
        case responder(seen: @Sendable (HandshakeInit) -> Bool)
    }

    enum Protection: Sendable {
        /// The library's handshake and records.
        case handshake(Trust)
        /// TLS stands below and has judged the peer, whose certificate must hold one of these keys if there are any, and be for `name` if
        /// that is not nil.
        case tls(pins: Set<CertificatePin>, name: String?)
        /// Nothing: the caller has said so by name, or the file system stands in.
        case none
    }

    /// Who handles what comes.
    struct Service: Sendable {
        let handlers: DaemonHandlers
        /// Keeps the connection's place in the daemon, however soon its channel is closed.
        let hold: @Sendable () -> Void
        /// Gives it away.
        let release: @Sendable () -> Void
    }

    let side: Side
    let protection: Protection
    let options: ConnectionOptions
    /// Handles what comes; without one it waits for `receive()`.
    let service: Service?
    let logger: Logger
    let metrics: ConnectionMetrics
    /// Called once, on the event loop.
    let opened: @Sendable (Result<Connection, ConnectionError>) -> Void
    /// Called once for a connection that was opened, on the event loop; without it when nobody held it any more.
    let closed: @Sendable (Connection?, ConnectionError) -> Void

    var dispatcher: Dispatcher? { service?.handlers.dispatcher }
}

/// The last handler of a connection's channel: bytes in, messages out, and when the connection ends.
///
///     connecting ─▶ awaiting response ─▶ awaiting acceptance ─▶ open ─▶ finishing ─▶ closed         initiator, handshake
///     awaiting init ─▶ awaiting confirm ─▶ open ─▶ …                                                responder, handshake
///     connecting ─▶ open ─▶ …                                                                       TLS, or nothing
///
/// Whatever the peer sends in a phase that has no place for it ends the connection with an error of ``ConnectionError``; it never traps.
/// The socket is read only while the connection is within its budget; one read's bytes wait here, so the budget is never passed by more.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// TCP or TLS is not there yet.
        case connecting
        case awaitingResponse(HandshakeInitiator)
        case awaitingAcceptance(HandshakeResult)
        case awaitingInit
        case awaitingConfirm(HandshakeResponder)
        case open
        /// No more is taken from the peer; what is in work is finished and written, then the connection is closed.
        case finishing
        case closed
    }

    /// How long, after everything is said, the peer may take to close its side.
    private static let lingering = TimeAmount.seconds(1)
    /// The same over a Unix socket. What the peer has not read yet when this side closes is lost there, so a busy one has longer; one
    /// that is gone has closed its side.
    private static let lingeringOnUnix = TimeAmount.seconds(30)

    private static func lingering(on channel: any Channel) -> TimeAmount {
        if case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress {
            lingeringOnUnix
        } else {
            lingering
        }
    }

    let setup: ConnectionSetup
    var phase = Phase.connecting
    var decoder = PacketDecoder(limit: HandshakeLimits.maximumPayloadLength)
    /// On the event loop alone, as their keys are held in its contexts of libcrypto; both go when the connection ends.
    var sealer: RecordSealer?
    var opener: RecordOpener?
    /// Of the peer's.
    var keyChanges = KeyChanges()
    /// Set as long as the channel is there.
    var context: ChannelHandlerContext?
    /// The one that the daemon's handlers are given.
    private var ownConnection: Connection?
    /// The one that was given to whoever connected: when nobody holds it any more it closes.
    private weak var lentConnection: Connection?
    private var wasOpened = false
    let outbox: Outbox
    let inbox: Inbox
    let calls = Calls()
    var format = MessageFormat.bincode

    /// What senders and receivers on other threads reach this handler by, as long as the channel is there.
    private final class Waker {
        var target: ConnectionHandler?
    }

    private let waker: Waker

    /// Bytes that are decompressed, or read in another format than bincode, before other connections of the event loop come first.
    static let workPerYield = 64 * 1024
    var workSinceYield = 0
    /// While a payload is read on another thread nothing after it is looked at.
    var isReadingElsewhere = false
    /// While a change of the peer's key waits for its turn neither.
    var isKeyChangeWaiting = false

    /// Bytes that were read and not yet looked at.
    private var input = ByteBuffer()
    /// Whether the socket is asked for bytes.
    private(set) var isReading = false
    /// Nothing was read for want of room.
    private var isHeld = false
    /// Whether the next end of a read may be the end of all that the peer sends.
    private var mayBeAtEnd = true
    private var isInTurn = false
    private var isProcessing = false
    private var isInputClosed = false
    /// What ended the connection.
    var end: ConnectionError?
    /// Whether the peer has said that it sends nothing more.
    var hasSaidGoodBye = false
    /// Why it did not open, in one word for metrics, where `end` does not say it.
    var failureReason: String?

    var heartbeat: Heartbeat
    var timer: Scheduled<Void>?

    /// Messages without a number, once there was one; they count as in work.
    var ordered: OrderedWork?
    /// What the peer has in work, on this connection and on others; nil where no handlers are.
    var account: WorkBudget.Account?
    /// The tasks of its handlers, once there was something for them.
    var work: ConnectionWork?
    /// Has a turn, from any thread.
    private let wake: @Sendable () -> Void

    /// - Parameter eventLoop: the channel's, on which this must be called.
    init(_ setup: ConnectionSetup, eventLoop: any EventLoop) {
        self.setup = setup
        let waker = Waker()
        self.waker = waker
        let bound = NIOLoopBound(waker, eventLoop: eventLoop)
        let wake: @Sendable () -> Void = { eventLoop.execute { bound.value.target?.turn() } }
        self.wake = wake
        outbox = Outbox(options: setup.options, metrics: setup.metrics, eventLoop: eventLoop, wake: wake)
        inbox = Inbox(capacity: setup.options.effectiveChannelCapacity, roomMade: wake)
        format = setup.options.format
        heartbeat = Heartbeat(
            interval: setup.options.heartbeatInterval,
            missed: setup.options.missedHeartbeats,
            stall: setup.options.stallTimeout,
            now: .now
        )
    }

    deinit {
        // This may be any thread, and keys are forgotten on the event loop.
        assert(sealer == nil && opener == nil, "a connection that never ended")
    }

    var connection: Connection? { ownConnection ?? lentConnection }

    func opened(_ connection: Connection) {
        wasOpened = true
        switch setup.side {
        case .initiator: lentConnection = connection
        case .responder: ownConnection = connection
        }
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        waker.target = self
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended(.closedByPeer)
        waker.target = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent, case .connecting = phase,
            case .tls(let pins, let name) = setup.protection
        {
            completedTLS(negotiated, pins: pins, name: name, context)
            turn()
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            inputClosed()
        } else if event is ConnectAttempt.GivenUp, end == nil {
            end = .cancelled
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        mayBeAtEnd = bytes.writableBytes == 0 || isTLS
        setup.metrics.received(messages: 0, bytes: bytes.readableBytes)
        switch phase {
        case .finishing, .closed: return
        default: break
        }
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if mayBeAtEnd {
            // NIO tells of the end of the input after this call, and a channel must not be closed by then, not even by a write that
            // fails: builds for debugging would trap. It is the end when no bytes came, or when they filled their buffer and none followed.
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.execute { bound.value.turn() }
        } else {
            mayBeAtEnd = true
            turn()
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        inputClosed()
        ended(.closedByPeer)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ConnectionFailure.error(of: error))
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard case .connecting = phase, timer == nil else { return }
        scheduleHandshakeTimeout(context)
        switch (setup.protection, setup.side) {
        case (.handshake(let trust), .initiator): beginHandshake(trust)
        case (.handshake, .responder): phase = .awaitingInit
        case (.tls, _): break
        case (.none, _): open(peer: plainPeer(context))
        }
        turn()
    }

    // MARK: Turns

    /// Goes on wherever there is something to do: after bytes came, after bytes were written, after a sender, a receiver or a handler did
    /// something. Ends with everything written that was put in, and with the socket read, or with no room for more.
    func turn() {
        // Written within `process` (a refusal): whoever called that goes on.
        guard !isInTurn, !isProcessing, context != nil else { return }
        isInTurn = true
        repeat {
            process()
            flush()
        } while input.readableBytes > 0 && hasRoom && !isEnding
        isInTurn = false
        if isInputClosed, input.readableBytes == 0, !isReadingElsewhere, !isKeyChangeWaiting, case .open = phase {
            allRead()
        }
        readOn()
        closeWhenIdle()
    }

    // MARK: Reading

    private func readOn() {
        guard let context, !isInputClosed, !isReading else { return }
        switch phase {
        case .closed: return
        case .finishing: break
        default:
            guard input.readableBytes == 0, hasRoom else {
                isHeld = true
                return heartbeat.paused(now: .now)
            }
        }
        if isHeld {
            // What the peer sent meanwhile comes only now.
            isHeld = false
            heartbeat.paused(now: .now)
        }
        isReading = true
        context.read()
    }

    private var hasRoom: Bool {
        guard case .open = phase else { return true }
        guard !isReadingElsewhere, !isKeyChangeWaiting else { return false }
        // Whoever answers reads no more than it can answer. Whoever asks must go on reading while it cannot send, or both would wait.
        // A reply that is waited for may stand behind messages that nobody receives.
        guard let account, let connection else { return inbox.hasRoom || calls.isAwaited && inbox.hasReserve }
        return outbox.mayRead && account.hasRoom(for: connection.id, wake)
    }

    private func process() {
        guard !isProcessing, input.readableBytes > 0 else { return }
        isProcessing = true
        defer { isProcessing = false }
        var messages = 0
        var view = input.readableBytesView
        do throws(ConnectionError) {
            while !view.isEmpty, hasRoom {
                guard let packet = try next(&view) else { break }
                heartbeat.completedPacket()
                messages += 1
                try receive(packet)
                if isEnding { view = ByteBufferView() }
            }
            input = view.isEmpty ? ByteBuffer() : ByteBuffer(view)
        } catch {
            input = ByteBuffer()
            fail(error)
        }
        heartbeat.received(now: .now, isInsidePacket: decoder.isInsidePacket, missing: decoder.missing)
        if messages > 0 { setup.metrics.received(messages: messages, bytes: 0) }
    }

    /// Whether what comes was in other buffers before.
    private var isTLS: Bool { if case .tls = setup.protection { true } else { false } }

    private var isEnding: Bool {
        switch phase {
        case .finishing, .closed: true
        default: false
        }
    }

    private func next(_ view: inout ByteBufferView) throws(ConnectionError) -> Packet? {
        do throws(PacketError) {
            return try decoder.next(&view)
        } catch {
            throw .malformedPacket(error)
        }
    }

    private func inputClosed() {
        guard !isInputClosed else { return }
        isInputClosed = true
        switch phase {
        case .open, .finishing: turn()
        case .closed: break
        default: fail(.closedByPeer)
        }
    }

    /// The peer sends nothing more, and all it sent was looked at.
    private func allRead() {
        if decoder.isInsidePacket { return fail(.protocolViolation("it closed the connection inside a packet")) }
        finish(endOfInput)
        // It may wait for its answers, or be gone, and what is in work for nobody; if it is gone its system says so when something comes.
        if case .finishing = phase { ping() }
    }

    /// What it means that the system has no more bytes of the peer's. It does not know who ended them; sealed, only the peer's good-bye does.
    private var endOfInput: ConnectionError { opener != nil && !hasSaidGoodBye ? .truncated : .closedByPeer }

    // MARK: Ending

    /// Ends in order: what is in work is answered, what is to be sent is sent.
    func finish(_ reason: ConnectionError) {
        switch phase {
        case .open: break
        case .finishing, .closed: return
        default: return fail(reason)
        }
        phase = .finishing
        if end == nil { end = reason }
        // Nothing more is taken of what has come, either.
        input = ByteBuffer()
        calls.end(reason)
        inbox.end(of: end ?? reason)
        turn()
    }

    /// In `finishing`: closes once everything is answered and written.
    private func closeWhenIdle() {
        guard case .finishing = phase, let context, outbox.isIdle else { return }
        if !isGoodByeSaid, end != .closedByPeer || !isInputClosed {
            isGoodByeSaid = true
            try? outbox.appendOnLoop(.disconnect)
            flush()
            return closeWhenIdle()
        }
        outbox.end(end ?? .closed)
        if isInputClosed { return close(context) }
        guard lingeringTimer == nil else { return }
        // Closing while bytes of the peer are unread would reset the connection, and with it what was just sent.
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        lingeringTimer = context.eventLoop.scheduleTask(in: ConnectionHandler.lingering(on: context.channel)) {
            if let context = bound.value.context { bound.value.close(context) }
        }
    }

    private(set) var isGoodByeSaid = false
    private var lingeringTimer: Scheduled<Void>?

    /// Ends at once; nothing more is read or written.
    func fail(_ error: ConnectionError) {
        if case .closed = phase { return }
        if end == nil { end = error }
        guard let context else { return ended(error) }
        ended(end ?? error)
        context.close(mode: .all, promise: nil)
    }

    private func close(_ context: ChannelHandlerContext) {
        ended(end ?? .closed)
        context.close(mode: .all, promise: nil)
    }

    /// Once: whoever waits is told, and nothing refers to this connection any more.
    private func ended(_ error: ConnectionError) {
        if case .closed = phase { return }
        let error = end ?? (error == .closedByPeer && wasOpened ? endOfInput : error)
        end = error
        phase = .closed
        timer?.cancel()
        lingeringTimer?.cancel()
        input = ByteBuffer()
        decoder = PacketDecoder(limit: 0)
        sealer = nil
        opener = nil
        ordered?.end()
        ordered = nil
        outbox.end(error)
        calls.end(error)
        inbox.end(of: error)
        if wasOpened {
            setup.metrics.connectionClosed()
            setup.closed(connection, error)
            // The program is told of the end when all handlers of the connection have returned.
            (work ?? (setup.dispatcher?.closed == nil ? nil : startedWork()))?.end(error)
            if let connection { account?.forget(connection.id) }
            work = nil
            account = nil
        } else {
            if case .none = setup.protection {
            } else if timer != nil {
                setup.metrics.handshakeFailed(failureReason ?? error.handshakeFailureReason)
            }
            setup.opened(.failure(error))
        }
        ownConnection = nil
    }
}
