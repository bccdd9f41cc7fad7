internal import Logging
internal import NIOCore
internal import Synchronization

/// A connection to one peer, opened by either side. A connection that a daemon accepted stays open until it is closed.
/// A connection that was opened to a daemon is also closed when nothing refers to it anymore, after everything sent is
/// written.
///
/// All methods may be called from any task. Senders wait while the system has not yet taken
/// ``ConnectionOptions/channelCapacity`` messages; the socket is not read while as many messages wait for
/// ``receive()``.
public final class Connection: Sendable {
    /// Increases within the process; for logs.
    public let id: UInt64
    /// The peer, as far as its identity was proved.
    public let peer: Peer

    let outbox: Outbox
    let inbox: Inbox
    let inFlight: InFlightRequests
    let channel: any Channel
    private let metrics: ConnectionMetrics
    /// Writes the queued messages, on the event loop.
    private let turn: @Sendable () -> Void
    /// Starts an orderly close, on the event loop.
    private let finish: @Sendable () -> Void

    private static let lastID = Atomic<UInt64>(0)

    /// Inside a daemon's handler: the number of the connection whose message it handles.
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

    /// Nothing can send, receive or wait for a reply anymore.
    deinit {
        if outbox.endReason == nil { finish() }
    }

    /// Sends a message, and waits for room first. When it returns, the message is on its way, but has not necessarily
    /// arrived.
    public func send(_ message: OutgoingMessage) async throws(ConnectionError) {
        try await outbox.send(message.message)
    }

    /// Returns the next message that is neither a reply nor a ping: what the peer sent with ``send(_:)``. Returns nil
    /// when the peer has announced that it sends nothing more (or, on an unsealed connection, has closed it). Any other
    /// end is thrown after all received messages were returned.
    public func receive() async throws(ConnectionError) -> Message? {
        try await inbox.take()
    }

    /// Sends a request and waits for its reply, for `timeout` at most. Many requests may be in flight at once; replies
    /// arrive in any order.
    ///
    /// Throws ``ConnectionError/refused(code:reason:)`` if the peer's handler refuses or does not exist, and
    /// ``ConnectionError/unanswered(_:)`` if the request was sent and no reply arrived. With any other error, the
    /// request was not sent.
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
            // Nil if other waiting tasks took the room.
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

    /// Sends a request if there is room. Returns the reply to wait for; nil if there is no room.
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
                // There was no room for it.
                try inFlight.withdraw(id)
                return nil
            case .sent: break
            // If no other request is in flight, and the caller runs on the connection's event loop, it need not wait
            // for others.
            case .sentMustWake: if isAlone, outbox.eventLoop.inEventLoop { turn() } else { outbox.wakeEventLoop() }
            }
        } catch {
            try? inFlight.withdraw(id)
            throw error
        }
        return reply
    }

    /// Asks whether the peer is alive, and returns the time that its answer took. Waits as long as the connection
    /// lives; to wait less, cancel the task.
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

    /// Sends Disconnect, waits until everything sent is written, and closes. Requests that still wait for a reply fail
    /// with ``ConnectionError/closed``.
    ///
    /// A connection waits for its handlers before it closes. So a call from one of its handlers returns at once; the
    /// handler's reply is still sent, then the connection closes.
    public func close() async {
        beginClosing()
        if Connection.ofHandler == id { return }
        _ = try? await channel.closeFuture.get()
    }

    /// ``close()``, without waiting for it.
    func beginClosing() { finish() }

    /// Runs tasks on this connection's event loop. A task that mostly talks to this one connection saves two thread
    /// switches per message.
    ///
    ///     await withTaskExecutorPreference(connection.executor) { … }
    public var executor: any TaskExecutor { EventLoopExecutor(channel.eventLoop) }

    /// Metadata for log lines about this connection.
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

/// Runs tasks as work of an event loop.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        // The job is run exactly once, as `enqueue` requires.
        eventLoop.execute { unsafe job.runSynchronously(on: executor) }
    }
}
