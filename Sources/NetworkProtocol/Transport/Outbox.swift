internal import NIOCore
internal import Synchronization

/// What tasks have put in to be sent on one connection, and what its handlers still work on.
///
/// Any thread puts messages in. The connection's event loop takes them out together, encodes and seals them, so many small messages cost
/// one write. Messages that are long, or take long to encode, are encoded by their senders. Nothing is encoded or sealed under the lock.
/// Together with the handlers at work this is the connection's budget: beyond it senders wait and the socket is not read.
final class Outbox: Sendable {
    /// Bytes that may wait for the system, and bytes that handlers may work on, before one more message makes it too many.
    static let byteCapacity = 1 << 20

    private struct State {
        /// Put in, not yet taken.
        var queue: [OutboundPayload] = []
        var queuedBytes = 0
        /// Taken, not yet written by the system.
        var messagesUnderWay = 0
        var bytesUnderWay = 0
        /// All that the system has taken, as far as everything before it was.
        var bytesWritten = 0
        /// Whether the event loop knows that there is something to take.
        var isFlushDue = false
        /// What handlers work on, in bytes.
        var bytesInWork = 0
        /// Whether the event loop waits for one of them to be done, to read on or to close.
        var isWorkAwaited = false
        var encoding: PayloadEncoding
        var waiters: [Waiter<Void, Never>] = []
        var end: ConnectionError?

        init(encoding: PayloadEncoding) { self.encoding = encoding }

        func isFull(_ capacity: Int) -> Bool {
            queue.count + messagesUnderWay >= capacity || queuedBytes + bytesUnderWay >= Outbox.byteCapacity
        }

        mutating func takeWaiters() -> [Waiter<Void, Never>] {
            defer { waiters = [] }
            return waiters
        }

        mutating func put(_ payload: OutboundPayload) {
            queuedBytes += payload.packetLength(tag: encoding.tagLength)
            queue.append(payload)
        }

        /// Whether the event loop must be told.
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
    /// Whether something is in the queue, and how many messages handlers work on: for the event loop, which looks often. Changed under
    /// the lock.
    private let isQueued = Atomic(false)
    private let inWork = Atomic(0)
    private let capacity: Int
    /// For messages in bincode without compression; the rest is under the lock.
    private let plain: PayloadEncoding
    let eventLoop: any EventLoop
    /// Tells the event loop that there is something to take; called on any thread, outside the lock.
    private let wake: @Sendable () -> Void

    init(
        options: ConnectionOptions,
        isSealed: Bool = false,
        metrics: ConnectionMetrics,
        eventLoop: any EventLoop,
        wake: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        plain = PayloadEncoding(options: options, isSealed: isSealed, metrics: metrics)
        state = Mutex(State(encoding: plain))
        capacity = options.effectiveChannelCapacity
        self.wake = wake
    }

    // MARK: From any thread

    /// Returns when there is room for a message, or no use in waiting for it, or it is too late.
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

    /// The message as it can be put in at once, encoded where it keeps no other task waiting.
    func encode(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        let length = message.bincodeLength
        if plain.isPlain(length), plain.compression == nil {
            // Written by the event loop, unless the peer has another format.
            let isPlain = state.withLock { $0.encoding.format == .bincode }
            if isPlain {
                try plain.check(length)
                return .message(message, length: length)
            }
        }
        return try await state.withLock { $0.encoding }.encodeElsewhere(message)
    }

    /// Waits for room, `timeout` at most, and puts the message in.
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

    /// Puts a short message in, however full it is.
    func sendNow(_ message: Message) throws(ConnectionError) {
        let mustWake = try state.withLock { state throws(ConnectionError) -> Bool in
            let mustWake = try state.append(.message(message, length: message.bincodeLength))
            isQueued.store(true, ordering: .releasing)
            return mustWake
        }
        if mustWake { wake() }
    }

    enum Sending { case full, sent, sentMustWake }

    /// Puts any message in if there is room; false when there is none.
    func sendIfRoom(_ payload: OutboundPayload) throws(ConnectionError) -> Bool {
        switch try put(payload) {
        case .full: return false
        case .sent: return true
        case .sentMustWake:
            wake()
            return true
        }
    }

    /// The same; the caller wakes the event loop where it says so.
    func put(_ payload: OutboundPayload) throws(ConnectionError) -> Sending {
        try state.withLock { state throws(ConnectionError) -> Sending in
            if state.end == nil, state.isFull(capacity) { return .full }
            let mustWake = try state.append(payload)
            isQueued.store(true, ordering: .releasing)
            return mustWake ? .sentMustWake : .sent
        }
    }

    /// Has the event loop take what is there.
    func wakeEventLoop() { wake() }

    /// A handler is done with a message of so many bytes, and this is its reply.
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
            // There is nothing to take, so this is no turn that the next message could rely on.
            defer { state.isWorkAwaited = false }
            return state.isWorkAwaited
        }
        if mustWake { wake() }
    }

    // MARK: On the event loop

    /// What comes from here on is written in this format.
    func use(_ format: MessageFormat) { state.withLock { $0.encoding.format = format } }

    /// How messages become payloads now.
    var encoding: PayloadEncoding { state.withLock { $0.encoding } }

    func beginWork(bytes: Int) {
        state.withLock { state in
            inWork.add(1, ordering: .relaxed)
            state.bytesInWork += bytes
        }
    }

    /// Whether there is something to take.
    var hasQueued: Bool { isQueued.load(ordering: .acquiring) }

    /// Takes what is there into `queue`, which is empty; it counts as under way until it is ``written(messages:bytes:)``.
    ///
    /// - Returns: messages, and bytes of their packets.
    func take(into queue: inout [OutboundPayload]) -> (messages: Int, bytes: Int) {
        state.withLock { state in
            state.isFlushDue = false
            isQueued.store(false, ordering: .relaxed)
            swap(&state.queue, &queue)
            let taken = (queue.count, state.queuedBytes)
            state.queuedBytes = 0
            state.messagesUnderWay += taken.0
            state.bytesUnderWay += taken.1
            return taken
        }
    }

    /// These are under way too, and were not put in here.
    func addUnderWay(messages: Int, bytes: Int) {
        state.withLock { state in
            state.messagesUnderWay += messages
            state.bytesUnderWay += bytes
        }
    }

    /// The system has taken everything that was under way, and so many bytes that never counted as such.
    func allWritten(andBytes bytes: Int = 0) {
        let waiters = state.withLock { state -> [Waiter<Void, Never>] in
            state.bytesWritten += state.bytesUnderWay + bytes
            state.bytesUnderWay = 0
            state.messagesUnderWay = 0
            return state.waiters.isEmpty || state.isFull(capacity) ? [] : state.takeWaiters()
        }
        for waiter in waiters { waiter.resume(returning: ()) }
    }

    /// Whether the connection may take one more message from its peer, as far as this is concerned.
    var mayRead: Bool {
        // Most often; then there is no lock to take.
        if inWork.load(ordering: .acquiring) == 0, !hasQueued, !isStuck.load(ordering: .relaxed) { return true }
        return state.withLock { state in
            guard inWork.load(ordering: .relaxed) < capacity, state.bytesInWork < Outbox.byteCapacity else {
                state.isWorkAwaited = true
                return false
            }
            return !state.isFull(capacity)
        }
    }

    /// Whether the system has not taken what was given to it; on the event loop alone.
    private let isStuck = Atomic(false)
    func setStuck(_ value: Bool) { isStuck.store(value, ordering: .relaxed) }

    /// Messages that wait, for the system or to be taken.
    var messagesWaiting: Int { state.withLock { $0.queue.count + $0.messagesUnderWay } }

    /// Whether nothing is in work and everything is written.
    var isIdle: Bool {
        state.withLock { state in
            let isAtWork = inWork.load(ordering: .relaxed) > 0
            if isAtWork { state.isWorkAwaited = true }
            return !isAtWork && state.queue.isEmpty && state.messagesUnderWay == 0
        }
    }

    /// Why nothing can be sent any more.
    var endReason: ConnectionError? { state.withLock { $0.end } }

    /// What the system has taken since the connection began, as far as everything before it was taken.
    var bytesWritten: Int { state.withLock { $0.bytesWritten } }

    var bytesUnderWay: Int { state.withLock { $0.bytesUnderWay } }

    /// All bytes that the system has not taken.
    var bytesWaiting: Int { state.withLock { $0.queuedBytes + $0.bytesUnderWay } }

    /// Nothing can be sent any more, and this is why.
    func end(_ error: ConnectionError) {
        let waiters = state.withLock { state -> [Waiter<Void, Never>] in
            if state.end == nil { state.end = error }
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume(returning: ()) }
    }
}
