internal import NIOCore
internal import NIOTLS

/// The last handler of a connection's channel: passes received bytes to its ``ConnectionCore``, does what the core
/// requires, and writes.
///
/// The socket is read only while the connection is within its budget. The bytes of one read wait here, so the budget is
/// never exceeded by more.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let setup: ConnectionSetup
    var core: ConnectionCore
    /// Set while the channel exists.
    private(set) var context: ChannelHandlerContext?
    let outbox: Outbox
    let inbox: Inbox
    let inFlight = InFlightRequests()
    let scratch: LoopScratch

    /// The connection that the daemon's handlers get.
    private var ownConnection: Connection?
    /// The connection that the program opened; it closes when nothing refers to it anymore.
    private weak var lentConnection: Connection?

    /// How senders and receivers on other threads reach this handler, while the channel exists.
    private final class Waker {
        var target: ConnectionHandler?
    }

    private let waker: Waker
    /// Starts a turn, from any thread.
    let wake: @Sendable () -> Void
    /// Runs a turn, on the event loop.
    let turnNow: @Sendable () -> Void

    /// Bytes that were read and not yet processed.
    var input = ByteBuffer()

    /// The pending request to the socket.
    private enum Reading {
        case bytes
        /// None, because there is no room.
        case held
        case nothing
    }

    private var reading = Reading.nothing
    /// Whether the next end of a read may be the end of the peer's data.
    private var mayBeAtEnd = true

    /// What is running: a call may lead to another call of this handler.
    private enum Activity { case none, processing, turn }
    private var activity = Activity.none

    // MARK: Writing

    /// Messages and bytes added on the event loop since the last write.
    var writer = PacketWriter()
    var messagesWritten = 0
    var unwritten = Unwritten()
    /// All bytes written to the channel.
    var bytesGiven = 0
    /// Whether the system has not taken all of them.
    var isStuck = false
    /// Senders for which there is room again.
    var resumable: [Waiter<Void, Never>] = []

    // MARK: Time

    private var timer: (at: ConnectionCore.Instant, task: Scheduled<Void>)?
    /// Why the connection did not open, in one word for metrics; set where the error does not show it.
    var failureReason: String?

    // MARK: Handlers

    /// Whether messages arrived since tasks were last woken for them.
    var hasArrivals = false
    /// Runs messages without a number, once the first one arrived; they count as in progress.
    var ordered: OrderedWork?
    /// The work of the peer in progress, on this connection and on others; nil without handlers.
    var account: WorkBudget.Account?
    /// The tasks of the handlers, once there was work for them.
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
            buffers: scratch.packets,
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
        // A channel becomes writable again only when the system has taken everything; then NIO calls this.
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
        handOver()
        if mayBeAtEnd {
            // NIO reports the end of the input after this call. The channel must not be closed before that, not even by
            // a write that fails: debug builds would trap. The input has ended if no bytes arrived, or if they filled
            // their buffer and none followed.
            context.eventLoop.execute(turnNow)
        } else {
            mayBeAtEnd = true
            turn()
        }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // With messages taken out of the outbox and not all written, `flush` follows.
        if isStuck, context.channel.isWritable, unwritten.queuedMessages + messagesWritten == 0 {
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

    /// Continues wherever there is work: after bytes arrived, after bytes were written, and after a sender, a receiver
    /// or a handler did something. Afterwards, everything added is written, and the socket is being read or there is no
    /// room for more.
    func turn() {
        // Written inside `process` (a refusal): the caller continues.
        guard case .none = activity, context != nil else { return }
        repeat {
            process()
            activity = .turn
            flush()
            activity = .none
        } while input.readableBytes > 0 && hasRoom && !core.isEnding
        if core.isInputClosed, input.readableBytes == 0 { allRead() }
        handOver()
        readOn()
        resumeSenders()
        proceed()
    }

    /// Gives what arrived to the tasks that wait for it.
    private func handOver() {
        guard hasArrivals else { return }
        hasArrivals = false
        work?.handOver()
        inbox.deliver()
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
            // What the peer sent in the meantime arrives only now.
            if case .held = reading { core.paused(now: .now) }
        }
        reading = .bytes
        context.read()
    }

    /// Messages and bytes that may be added before they are written; beyond that, no input is processed until they are.
    private static let batchMessages = 256
    private static let batchBytes = 64 * 1024

    private var hasRoom: Bool {
        guard core.isOpen else { return true }
        guard !core.isPaused, messagesWritten < ConnectionHandler.batchMessages,
            writer.byteCount < ConnectionHandler.batchBytes
        else { return false }
        // A side that answers reads no more than it can answer. A side that sends requests must keep reading while it
        // cannot send, or both sides would wait. An expected reply may be behind messages that the program does not
        // receive.
        guard let account else { return inbox.hasRoom || inFlight.isAwaited && inbox.hasReserve }
        return outbox.mayRead && account.hasRoom(for: connection?.id ?? 0, wake)
    }

    private func process() {
        guard case .none = activity, input.readableBytes > 0 else { return }
        activity = .processing
        let now = ContinuousClock.now
        // Handling a message may remove the input.
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

    /// Schedules ``beat()`` for when the core requires it.
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
        // Exactly what the system has not taken yet: a large message is taken in many pieces.
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? outbox.bytesInFlight
        let timeout = core.timeout(
            now: .now,
            unsentBytes: unsent,
            writtenBytes: bytesGiven - unsent,
            isListening: isReading
        )
        switch timeout {
        case .none: break
        case .ping(let isSilent):
            // Nothing arrived for so long that the tasks that wait for messages can be released.
            if isSilent { work?.rest() }
            ping()
        case .fail(let error): fail(error)
        case .close: close()
        }
    }

    func ping() {
        if core.isOpen {
            guard inFlight.enterPing(nil) == nil else { return }
        } else if !core.canSendMore {
            return
        }
        write(.ping)
        turn()
    }
}
