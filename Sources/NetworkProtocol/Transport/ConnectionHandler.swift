internal import NIOCore
internal import NIOTLS

/// The last handler of a connection's channel: gives the bytes that come to its ``ConnectionCore``, does what that says, and writes what is
/// to be sent.
///
/// The socket is read only while the connection is within its budget; one read's bytes wait here, so the budget is never passed by more.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let setup: ConnectionSetup
    var core: ConnectionCore
    /// Set as long as the channel is there.
    private(set) var context: ChannelHandlerContext?
    let outbox: Outbox
    let inbox: Inbox
    let inFlight = InFlightRequests()
    let scratch: LoopScratch

    /// The one that the daemon's handlers are given.
    private var ownConnection: Connection?
    /// The one that the program connected: when nothing holds it any more it closes.
    private weak var lentConnection: Connection?

    /// What senders and receivers on other threads reach this handler by, as long as the channel is there.
    private final class Waker {
        var target: ConnectionHandler?
    }

    private let waker: Waker
    /// Has a turn, from any thread.
    let wake: @Sendable () -> Void
    /// A turn, on the event loop.
    let turnNow: @Sendable () -> Void

    /// Bytes that were read and not yet looked at.
    var input = ByteBuffer()

    /// What the socket is asked for.
    private enum Reading {
        case bytes
        /// Nothing, for want of room.
        case held
        case nothing
    }

    private var reading = Reading.nothing
    /// Whether the next end of a read may be the end of all that the peer sends.
    private var mayBeAtEnd = true

    /// What is going on, as a call may come out of a call.
    private enum Activity { case none, processing, turn }
    private var activity = Activity.none

    // MARK: Writing

    /// Messages and bytes that were put in on the event loop since the last write.
    var writer = PacketWriter()
    var messagesWritten = 0
    var unwritten = Unwritten()
    /// All bytes that the channel was given.
    var bytesGiven = 0
    /// Whether the system has not taken all of them.
    var isStuck = false

    // MARK: Time

    private var timer: (at: ConnectionCore.Instant, task: Scheduled<Void>)?
    /// Why it did not open, in one word for metrics, where its error does not say it.
    var failureReason: String?

    // MARK: Handlers

    /// Messages without a number, once there was one; they count as in work.
    var ordered: OrderedWork?
    /// What the peer has in work, on this connection and on others; nil where no handlers are.
    var account: WorkBudget.Account?
    /// The tasks of its handlers, once there was something for them.
    var work: ConnectionWork?
    /// How replies become payloads.
    var encoding: PayloadEncoding

    /// - Parameter eventLoop: the channel's, on which this must be called.
    init(_ setup: ConnectionSetup, eventLoop: any EventLoop) {
        self.setup = setup
        let waker = Waker()
        self.waker = waker
        let bound = NIOLoopBound(waker, eventLoop: eventLoop)
        let turn: @Sendable () -> Void = { bound.value.target?.turn() }
        turnNow = turn
        let wake: @Sendable () -> Void = { eventLoop.execute(turn) }
        self.wake = wake
        scratch = LoopScratch.of(eventLoop)
        let trust = setup.trust
        outbox = Outbox(
            options: setup.options,
            isSealed: trust != nil,
            metrics: setup.metrics,
            eventLoop: eventLoop,
            wake: wake
        )
        inbox = Inbox(capacity: setup.options.effectiveChannelCapacity, roomMade: wake)
        encoding = outbox.encoding
        let side: ConnectionCore.Side = if case .initiator = setup.side { .initiator } else { .responder }
        core = ConnectionCore(
            side: side,
            trust: trust,
            options: setup.options,
            contexts: scratch.contexts,
            now: .now
        )
    }

    deinit {
        // This may be any thread, and keys are forgotten on the event loop.
        assert(!core.isSealed, "a connection that never ended")
    }

    var connection: Connection? { ownConnection ?? lentConnection }

    func keep(_ connection: Connection) {
        switch setup.side {
        case .initiator: lentConnection = connection
        case .responder: ownConnection = connection
        }
    }

    func letGo() { ownConnection = nil }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        waker.target = self
        // A channel is writable again only when the system has taken everything: then it says so.
        try? context.channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 1, high: 1))
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(core.close(.closedByPeer))
        waker.target = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent, core.isOpening,
            case .tls(let pins, let name) = setup.protection
        {
            completedTLS(negotiated, pins: pins, name: name, context)
            turn()
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            inputClosed()
        } else if event is ConnectAttempt.GivenUp {
            core.giveUp()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        mayBeAtEnd = bytes.writableBytes == 0 || setup.isTLS
        setup.metrics.received(messages: 0, bytes: bytes.readableBytes)
        if core.isEnding { return }
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .bytes = reading { reading = .nothing }
        if mayBeAtEnd {
            // NIO tells of the end of the input after this call, and a channel must not be closed by then, not even by a write that
            // fails: builds for debugging would trap. It is the end when no bytes came, or when they filled their buffer and none followed.
            context.eventLoop.execute(turnNow)
        } else {
            mayBeAtEnd = true
            turn()
        }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isStuck, context.channel.isWritable {
            allTaken()
            turn()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        inputClosed()
        end(core.close(.closedByPeer))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ConnectionFailure.error(of: error))
    }

    private func begin() {
        var generator = SystemRandomNumberGenerator()
        let step = core.connected(
            now: .now,
            wallClock: WallClock.milliseconds,
            isTLS: setup.isTLS,
            using: &generator
        )
        perform(step)
        setTimer()
        turn()
    }

    // MARK: Turns

    /// Goes on wherever there is something to do: after bytes came, after bytes were written, after a sender, a receiver or a handler did
    /// something. Ends with everything written that was put in, and with the socket read, or with no room for more.
    func turn() {
        // Written within `process` (a refusal): what called that goes on.
        guard case .none = activity, context != nil else { return }
        repeat {
            process()
            activity = .turn
            flush()
            activity = .none
        } while input.readableBytes > 0 && hasRoom && !core.isEnding
        if core.isInputClosed, input.readableBytes == 0 { allRead() }
        readOn()
        proceed()
    }

    // MARK: Reading

    var isReading: Bool { if case .bytes = reading { true } else { false } }

    private func readOn() {
        guard let context, !core.isInputClosed, !isReading, !core.isClosed else { return }
        if !core.isEnding {
            guard input.readableBytes == 0, hasRoom else {
                reading = .held
                return core.paused(now: .now)
            }
            // What the peer sent meanwhile comes only now.
            if case .held = reading { core.paused(now: .now) }
        }
        reading = .bytes
        context.read()
    }

    /// Messages and bytes that may be put in before they are written: then nothing more is looked at until they are.
    private static let batchMessages = 256
    private static let batchBytes = 64 * 1024

    private var hasRoom: Bool {
        guard core.isOpen else { return true }
        guard !core.isPaused, messagesWritten < ConnectionHandler.batchMessages,
            writer.byteCount < ConnectionHandler.batchBytes
        else { return false }
        // A side that answers reads no more than it can answer. A side that asks must go on reading while it cannot send, or both would
        // wait. A reply that is waited for may stand behind messages that the program does not receive.
        guard let account else { return inbox.hasRoom || inFlight.isAwaited && inbox.hasReserve }
        return outbox.mayRead && account.hasRoom(for: connection?.id ?? 0, wake)
    }

    private func process() {
        guard case .none = activity, input.readableBytes > 0 else { return }
        activity = .processing
        let now = ContinuousClock.now
        // What is done with a message may take the input away.
        let bytes = input
        var position = 0
        var messages = 0
        do throws(ConnectionError) {
            while position < bytes.readableBytes, hasRoom {
                guard let step = try core.next(bytes.readableBytesUInt8Span, at: &position, now: now) else { break }
                messages += 1
                try take(step)
                if core.isEnding { break }
            }
            if core.isEnding {
                input = ByteBuffer()
            } else if position == bytes.readableBytes {
                input = ByteBuffer()
            } else {
                input.moveReaderIndex(forwardBy: position)
            }
        } catch {
            input = ByteBuffer()
            fail(error)
        }
        activity = .none
        if !core.isClosed { core.received(now: now) }
        if messages > 0 { setup.metrics.received(messages: messages, bytes: 0) }
    }

    private func inputClosed() {
        switch core.inputClosed() {
        case .proceed: turn()
        case .fail(let error): fail(error)
        case .ignored: break
        }
    }

    // MARK: Time

    /// Has ``beat()`` called when the core wants it.
    func setTimer() {
        guard let context, let deadline = core.nextDeadline else {
            timer?.task.cancel()
            timer = nil
            return
        }
        if let timer {
            if timer.at <= deadline { return }
            timer.task.cancel()
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let delay = TimeAmount(max(.zero, deadline - .now))
        timer = (deadline, context.eventLoop.scheduleTask(in: delay) { bound.value.timeIsUp() })
    }

    private func timeIsUp() {
        timer = nil
        beat()
        setTimer()
    }

    private func beat() {
        guard let context else { return }
        // What the system has not taken yet, exactly: a large message is taken in many pieces.
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? outbox.bytesUnderWay
        let timeout = core.timeout(
            now: .now,
            unsentBytes: unsent,
            writtenBytes: bytesGiven - unsent,
            isListening: isReading
        )
        switch timeout {
        case .none: break
        case .ping(let isSilent):
            // Nothing came for so long that what waits for more can go.
            if isSilent { work?.rest() }
            ping()
        case .fail(let error): fail(error)
        case .close: close()
        }
    }

    func ping() {
        if core.isOpen {
            guard inFlight.enterPing(nil) == nil else { return }
        } else if !core.maySayMore {
            return
        }
        write(.ping)
        turn()
    }
}
