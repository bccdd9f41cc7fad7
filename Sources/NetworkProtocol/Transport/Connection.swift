internal import Logging
internal import NIOCore
internal import Synchronization

/// One connection to one peer, whichever side opened it. One that a daemon accepted stays until it is closed; one that was opened to a
/// daemon is closed as well when nothing refers to it any more, after what was sent is written.
///
/// All methods may be called from any task. Senders wait while ``ConnectionOptions/channelCapacity`` messages are not yet taken by the
/// system; the socket is not read while as many wait for ``receive()``.
public final class Connection: Sendable {
    /// Counts up within the process; for logs.
    public let id: UInt64
    /// Who is at the other end, as far as it was proved.
    public let peer: Peer

    let outbox: Outbox
    let inbox: Inbox
    let inFlight: InFlightRequests
    let channel: any Channel
    private let metrics: ConnectionMetrics
    /// Writes what is there, on the event loop.
    private let turn: @Sendable () -> Void
    /// Begins an orderly end, on the event loop.
    private let finish: @Sendable () -> Void

    private static let lastID = Atomic<UInt64>(0)

    /// Within a handler of a daemon: the number of the connection whose message it handles.
    @TaskLocal static var ofHandler: UInt64?

    init(
        peer: Peer,
        outbox: Outbox,
        inbox: Inbox,
        inFlight: InFlightRequests,
        channel: any Channel,
        metrics: ConnectionMetrics,
        turn: @escaping @Sendable () -> Void,
        finish: @escaping @Sendable () -> Void
    ) {
        id = Connection.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        self.peer = peer
        self.outbox = outbox
        self.inbox = inbox
        self.inFlight = inFlight
        self.turn = turn
        self.channel = channel
        self.metrics = metrics
        self.finish = finish
    }

    /// Nobody can send or receive any more, nor wait for a reply.
    deinit {
        if outbox.endReason == nil { finish() }
    }

    /// Sends a message, waiting for room. When it returns the message is on its way, not necessarily there.
    public func send(_ message: OutgoingMessage) async throws(ConnectionError) {
        try await outbox.send(message.message)
    }

    /// The next message that is neither a reply nor a ping: what the peer sent with ``send(_:)``. Nil when the peer has said that it sends
    /// nothing more (where nothing is sealed: or has closed the connection); any other end is thrown, once all that came was received.
    public func receive() async throws(ConnectionError) -> Message? {
        try await inbox.take()
    }

    /// Sends a request and waits for its reply, `timeout` at most. Many requests may be under way at once; their replies come in any order.
    ///
    /// Throws ``ConnectionError/refused(code:reason:)`` when the peer's handler refuses or there is none, and
    /// ``ConnectionError/unanswered(_:)`` when it was sent and no reply came. Any other error: it was not sent.
    public func request(
        _ command: String,
        _ payload: [UInt8] = [],
        timeout: Duration = .seconds(30)
    ) async throws(ConnectionError) -> [UInt8] {
        let id = inFlight.nextID()
        let start = NIODeadline.now()
        var isAnswered = false
        defer { metrics.requested((.now() - start).nanoseconds, isAnswered: isAnswered) }
        let deadline = start + TimeAmount(timeout)
        if Task.isCancelled { throw .cancelled }
        guard deadline > start else { throw .timedOut(what: "waiting for room to send \(command)") }
        let payload = try await outbox.encode(.request(id: id, command: command, payload: payload))
        while true {
            // Nil when others who waited took the room.
            if let reply = try ask(payload, id, command: command, deadline: deadline) {
                let bytes = try await reply.value { self.inFlight.giveUp(id, .cancelled) }
                isAnswered = true
                return bytes
            }
            await outbox.room(until: deadline)
            if Task.isCancelled { throw .cancelled }
            guard deadline > .now() else { throw .timedOut(what: "waiting for room to send \(command)") }
        }
    }

    /// Sends a request if there is room for it: what its reply comes to; nil when there is none.
    private func ask(
        _ payload: OutboundPayload,
        _ id: UInt64,
        command: String,
        deadline: NIODeadline
    ) throws(ConnectionError) -> InFlightRequests.Reply? {
        let reply = InFlightRequests.Reply()
        let isAlone: Bool
        switch inFlight.enter(id, command: command, deadline: deadline, reply) {
        case .ended(let error): throw error
        case .entered(let sweep, let alone):
            isAlone = alone
            if let sweep { self.sweep(at: sweep) }
        }
        do throws(ConnectionError) {
            switch try outbox.put(payload) {
            case .full:
                // Nothing made room for it.
                guard inFlight.withdraw(id) else { throw inFlight.endReason ?? .closed }
                return nil
            case .sent: break
            // A request that nothing else is under way with, asked on the connection's own event loop, need not wait for others.
            case .sentMustWake: if isAlone, outbox.eventLoop.inEventLoop { turn() } else { outbox.wakeEventLoop() }
            }
        } catch {
            _ = inFlight.withdraw(id)
            throw error
        }
        return reply
    }

    /// Asks whether the peer lives, and how long its answer takes. It waits for that as long as the connection lives; cancel the task to wait
    /// less.
    public func ping() async throws(ConnectionError) -> Duration {
        let start = ContinuousClock.now
        if Task.isCancelled { throw .cancelled }
        let pong = ConnectionWaiter<Void>()
        if let error = inFlight.enterPing(pong) { throw error }
        do throws(ConnectionError) {
            try outbox.sendNow(.ping)
        } catch {
            inFlight.end(error)
        }
        try await pong.value { self.inFlight.cancelPing(pong) }
        return ContinuousClock.now - start
    }

    /// Says good-bye, waits until what was sent is written, and closes. What still waits for a reply fails with ``ConnectionError/closed``.
    ///
    /// A connection waits for its handlers before it closes. So to one of them this returns at once, its reply is still sent, and then the
    /// connection closes.
    public func close() async {
        beginClosing()
        if Connection.ofHandler == id { return }
        _ = try? await channel.closeFuture.get()
    }

    /// ``close()`` without waiting for it.
    func beginClosing() { finish() }

    /// Runs tasks on this connection's event loop: a task that talks to this one connection and does little else saves two changes of
    /// thread for each message by it.
    ///
    ///     await withTaskExecutorPreference(connection.executor) { … }
    public var executor: any TaskExecutor { EventLoopExecutor(channel.eventLoop) }

    /// What log records about this connection carry.
    var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["connection.id": "\(id)", "peer.address": "\(peer.address)"]
        if let endpoint = peer.endpointID { metadata["peer.id"] = "\(endpoint)" }
        return metadata
    }

    func logMetadata(ending error: ConnectionError) -> Logger.Metadata {
        var metadata = logMetadata
        metadata["error"] = "\(error)"
        return metadata
    }

    private func sweep(at deadline: NIODeadline) {
        let (inFlight, inbox) = (inFlight, inbox)
        let eventLoop = channel.eventLoop
        eventLoop.scheduleTask(deadline: deadline) { [weak self] in
            let next = inFlight.sweep(now: .now()) {
                inbox.isFull ? ", with \(inbox.count) messages before it that were not received," : ""
            }
            if let next { self?.sweep(at: next) }
        }
    }
}

/// Tasks as work of an event loop.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        // The job is run exactly once, as `enqueue` promises.
        eventLoop.execute { unsafe job.runSynchronously(on: executor) }
    }
}
