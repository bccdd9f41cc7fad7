internal import NIOCore
internal import Synchronization

/// Messages that tasks want to send on one connection, and the messages that its handlers have in progress.
///
/// Any thread adds messages. The connection's event loop takes them together, encodes and seals them, so many small
/// messages cost one write. Senders encode messages that are long, or take long to encode. Nothing is encoded or sealed
/// under the lock. Together with the running handlers this is the connection's budget: beyond it, senders wait and the
/// socket is not read.
final class Outbox: Sendable {
    /// Bytes that may wait for the system, and bytes that handlers may have in progress, before one more message is too
    /// many.
    static let byteCapacity = 1 << 20

    private struct State {
        /// Added, not yet taken.
        var queue: [OutboundPayload] = []
        var queuedBytes = 0
        /// Taken, not yet written by the system.
        var messagesInFlight = 0
        var bytesInFlight = 0
        /// All bytes that the system has taken, as far as it is known.
        var bytesWritten = 0
        /// Whether the event loop knows that there are messages to take.
        var isFlushDue = false
        /// The bytes of messages in progress.
        var bytesInWork = 0
        /// Whether the event loop waits for a handler to return, to read on or to close.
        var isWorkAwaited = false
        var encoding: PayloadEncoding
        var waiters: [Waiter<Void, Never>] = []
        var end: ConnectionError?

        init(encoding: PayloadEncoding) { self.encoding = encoding }

        func isFull(_ capacity: Int) -> Bool {
            queue.count + messagesInFlight >= capacity || queuedBytes + bytesInFlight >= Outbox.byteCapacity
        }

        /// Whether senders that wait should go on: with room for several messages, they wait less often.
        func isHalfEmpty(_ capacity: Int) -> Bool {
            queue.count + messagesInFlight <= capacity / 2 && queuedBytes + bytesInFlight <= Outbox.byteCapacity / 2
        }

        mutating func takeWaiters() -> [Waiter<Void, Never>] {
            defer { waiters = [] }
            return waiters
        }

        mutating func put(_ payload: OutboundPayload) {
            queuedBytes += payload.packetLength(tag: encoding.tagLength)
            queue.append(payload)
        }

        /// Whether the event loop must be notified.
        mutating func append(_ payload: OutboundPayload) throws(ConnectionError) -> Bool {
            if let end { throw end }
            put(payload)
            return mustTell()
        }

        mutating func mustTell() -> Bool {
            defer { isFlushDue = true }
            return !isFlushDue
        }
    }

    private let state: Mutex<State>
    /// Whether the queue has messages, and how many messages are in progress: for the event loop, which looks often.
    /// Changed under the lock.
    private let isQueued = Atomic(false)
    private let inWork = Atomic(0)
    private let capacity: Int
    /// For messages in bincode without compression; the rest is under the lock.
    private let plain: PayloadEncoding
    let eventLoop: any EventLoop
    /// Notifies the event loop that there are messages to take; called on any thread, outside the lock.
    private let wake: @Sendable () -> Void

    init(
        options: ConnectionOptions,
        isSealed: Bool = false,
        metrics: ConnectionMetrics,
        buffers: PacketBuffers = PacketBuffers(),
        eventLoop: any EventLoop,
        wake: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        plain = PayloadEncoding(options: options, isSealed: isSealed, metrics: metrics, buffers: buffers)
        state = Mutex(State(encoding: plain))
        capacity = options.effectiveChannelCapacity
        self.wake = wake
    }

    // MARK: From any thread

    /// Returns when there is room for a message, when waiting is useless, or when the time is up.
    func room(until deadline: NIODeadline? = nil) async {
        let waiter = Waiter<Void, Never>()
        let mustWait = state.withLock { state in
            guard state.isFull(capacity), state.end == nil else { return false }
            if let deadline, deadline <= .now() { return false }
            state.waiters.append(waiter)
            return true
        }
        guard mustWait else { return }
        let release: @Sendable () -> Void = { self.release(waiter) }
        await waiter.value(until: deadline, on: eventLoop, late: release, giveUp: release)
    }

    private func release(_ waiter: Waiter<Void, Never>) {
        state.withLock { state in
            if let index = state.waiters.firstIndex(where: { $0 === waiter }) { state.waiters.remove(at: index) }
        }
        waiter.resume(returning: ())
    }

    /// The message, ready to be added: encoded, if that keeps no other task waiting.
    func encode(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        let length = message.bincodeLength
        if plain.isPlain(length), plain.compression == nil {
            // Encoded by the event loop, unless the peer uses another format.
            let isPlain = state.withLock { $0.encoding.format == .bincode }
            if isPlain {
                try plain.check(length)
                return .message(message, length: length)
            }
        }
        return try await state.withLock { $0.encoding }.encodeElsewhere(message)
    }

    /// Waits for room, for `timeout` at most, and adds the message.
    func send(_ message: Message, timeout: Duration? = nil) async throws(ConnectionError) {
        if Task.isCancelled { throw .cancelled }
        let payload = try await encode(message)
        var deadline: NIODeadline?
        while try !sendIfRoom(payload) {
            if let deadline, deadline <= .now() {
                throw .timedOut(what: "waiting for room to send \(message.name)")
            }
            if deadline == nil, let timeout { deadline = .now() + TimeAmount(timeout) }
            await room(until: deadline)
            if Task.isCancelled { throw .cancelled }
        }
    }

    /// Adds a short message, however full the outbox is.
    func sendNow(_ message: Message) throws(ConnectionError) {
        let mustWake = try state.withLock { state throws(ConnectionError) -> Bool in
            let mustWake = try state.append(.message(message, length: message.bincodeLength))
            isQueued.store(true, ordering: .releasing)
            return mustWake
        }
        if mustWake { wake() }
    }

    enum Sending { case full, sent, sentMustWake }

    /// Adds a message if there is room; false if there is none.
    func sendIfRoom(_ payload: OutboundPayload) throws(ConnectionError) -> Bool {
        switch try put(payload) {
        case .full: return false
        case .sent: return true
        case .sentMustWake:
            wake()
            return true
        }
    }

    /// The same; the caller wakes the event loop if the result requires it.
    func put(_ payload: OutboundPayload) throws(ConnectionError) -> Sending {
        try state.withLock { state throws(ConnectionError) -> Sending in
            if state.end == nil, state.isFull(capacity) { return .full }
            let mustWake = try state.append(payload)
            isQueued.store(true, ordering: .releasing)
            return mustWake ? .sentMustWake : .sent
        }
    }

    /// Makes the event loop take the queued messages.
    func wakeEventLoop() { wake() }

    /// A handler has finished a message of this many bytes, and this is its reply.
    func finishWork(bytes: Int, reply: OutboundPayload?) {
        let mustWake = state.withLock { state in
            inWork.subtract(1, ordering: .releasing)
            state.bytesInWork -= bytes
            if let reply, state.end == nil {
                state.put(reply)
                isQueued.store(true, ordering: .releasing)
                state.isWorkAwaited = false
                return state.mustTell()
            }
            // There is nothing to take, so the next message cannot rely on this turn.
            defer { state.isWorkAwaited = false }
            return state.isWorkAwaited
        }
        if mustWake { wake() }
    }

    // MARK: On the event loop

    /// Later messages are encoded in this format.
    func use(_ format: MessageFormat) { state.withLock { $0.encoding.format = format } }

    /// How messages currently become payloads.
    var encoding: PayloadEncoding { state.withLock { $0.encoding } }

    func beginWork(bytes: Int) {
        state.withLock { state in
            inWork.add(1, ordering: .relaxed)
            state.bytesInWork += bytes
        }
    }

    /// Whether there are messages to take.
    var hasQueued: Bool { isQueued.load(ordering: .acquiring) }

    /// Moves all messages into `queue`, which is empty. They count as in flight until
    /// ``written(messages:bytes:)`` or ``allWritten()``.
    ///
    /// - Returns: messages, and bytes of their packets.
    func take(into queue: inout [OutboundPayload]) -> (messages: Int, bytes: Int) {
        state.withLock { state in
            state.isFlushDue = false
            isQueued.store(false, ordering: .relaxed)
            swap(&state.queue, &queue)
            let taken = (queue.count, state.queuedBytes)
            state.queuedBytes = 0
            state.messagesInFlight += taken.0
            state.bytesInFlight += taken.1
            return taken
        }
    }

    /// These are in flight too, and were not added here.
    func addInFlight(messages: Int, bytes: Int) {
        state.withLock { state in
            state.messagesInFlight += messages
            state.bytesInFlight += bytes
        }
    }

    /// The system has taken some of what is in flight. Returns the senders that must be resumed.
    func written(messages: Int, bytes: Int) -> [Waiter<Void, Never>] {
        state.withLock { state in
            // TLS may still have had them when the system had taken everything.
            let taken = min(bytes, state.bytesInFlight)
            state.bytesWritten += taken
            state.bytesInFlight -= taken
            state.messagesInFlight -= min(messages, state.messagesInFlight)
            return state.waiters.isEmpty || !state.isHalfEmpty(capacity) ? [] : state.takeWaiters()
        }
    }

    /// The system has taken everything in flight.
    func allWritten() {
        let waiters = state.withLock { state -> [Waiter<Void, Never>] in
            state.bytesWritten += state.bytesInFlight
            state.bytesInFlight = 0
            state.messagesInFlight = 0
            return state.waiters.isEmpty || state.isFull(capacity) ? [] : state.takeWaiters()
        }
        for waiter in waiters { waiter.resume(returning: ()) }
    }

    /// Whether the connection may accept one more message from its peer, according to this outbox.
    var mayRead: Bool {
        // The usual case; it takes no lock.
        if inWork.load(ordering: .acquiring) == 0, !hasQueued, !isStuck.load(ordering: .relaxed) { return true }
        return state.withLock { state in
            guard inWork.load(ordering: .relaxed) < capacity, state.bytesInWork < Outbox.byteCapacity else {
                state.isWorkAwaited = true
                return false
            }
            return !state.isFull(capacity)
        }
    }

    /// Whether the system has not taken all written bytes; on the event loop only.
    private let isStuck = Atomic(false)
    func setStuck(_ value: Bool) { isStuck.store(value, ordering: .relaxed) }

    /// Messages that wait for the system, or to be taken.
    var messagesWaiting: Int { state.withLock { $0.queue.count + $0.messagesInFlight } }

    /// Whether nothing is in progress and everything is written.
    var isIdle: Bool {
        state.withLock { state in
            let isAtWork = inWork.load(ordering: .relaxed) > 0
            if isAtWork { state.isWorkAwaited = true }
            return !isAtWork && state.queue.isEmpty && state.messagesInFlight == 0
        }
    }

    /// Whether a sender waits for room.
    var isAwaited: Bool { state.withLock { !$0.waiters.isEmpty } }

    /// Why nothing can be sent anymore.
    var endReason: ConnectionError? { state.withLock { $0.end } }

    /// Bytes that the system has taken since the connection began, as far as it is known.
    var bytesWritten: Int { state.withLock { $0.bytesWritten } }

    var bytesInFlight: Int { state.withLock { $0.bytesInFlight } }

    /// All bytes that the system has not taken.
    var bytesWaiting: Int { state.withLock { $0.queuedBytes + $0.bytesInFlight } }

    /// Nothing can be sent anymore, for this reason.
    func end(_ error: ConnectionError) {
        let waiters = state.withLock { state -> [Waiter<Void, Never>] in
            if state.end == nil { state.end = error }
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume(returning: ()) }
    }
}
