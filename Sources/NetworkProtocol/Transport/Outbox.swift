internal import Cryptography
internal import NIOCore
internal import Synchronization

/// What one connection still has to send, and what its handlers still work on.
///
/// Any thread puts messages in. The connection's event loop takes them out together and seals them, so many small messages cost one write.
/// Messages that take long to encode are encoded before, outside of the lock. Together with the handlers at work this is the
/// connection's budget: beyond it senders wait and the socket is not read.
final class Outbox: Sendable {
    /// Bytes that may wait for the system, and bytes that handlers may work on, before one more message makes it too many.
    static let byteCapacity = 1 << 20

    /// Answers to pings and the like that may wait beside a full outbox.
    private static let spareMessages = 256

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State: ~Copyable {
        var writer = PacketWriter()
        var encoding: PayloadEncoding
        /// In `writer`, not yet taken.
        var messages = 0
        /// Taken, not yet written by the system.
        var messagesUnderWay = 0
        var bytesUnderWay = 0
        /// All that the system has taken.
        var bytesWritten = 0
        /// Whether the event loop knows that there is something to take.
        var isFlushDue = false
        /// Messages that handlers work on, and their bytes.
        var inWork = 0
        var bytesInWork = 0
        /// Whether the event loop waits for one of them to be done, to read on or to close.
        var isWorkAwaited = false
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var end: ConnectionError?

        func isFull(_ capacity: Int) -> Bool {
            messages + messagesUnderWay >= capacity
                || writer.buffer.readableBytes + bytesUnderWay >= Outbox.byteCapacity
        }

        mutating func takeWaiters() -> [Waiter] {
            defer { waiters = [] }
            return waiters
        }

        init(encoding: PayloadEncoding) { self.encoding = encoding }

        /// Whether the event loop must be told.
        mutating func append(_ payload: OutboundPayload) throws(ConnectionError) -> Bool {
            if let end { throw end }
            writer.append(payload)
            messages += 1
            return mustTell()
        }

        mutating func append(_ message: Message) throws(ConnectionError) -> Bool {
            try append(try encoding.encode(message))
        }

        mutating func mustTell() -> Bool {
            defer { isFlushDue = true }
            return !isFlushDue
        }
    }

    private let state: Mutex<State>
    private let capacity: Int
    private let eventLoop: any EventLoop
    /// Tells the event loop that there is something to take; called on any thread, outside the lock.
    private let wake: @Sendable () -> Void

    init(
        options: ConnectionOptions,
        metrics: ConnectionMetrics,
        eventLoop: any EventLoop,
        wake: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        state = Mutex(State(encoding: PayloadEncoding(options: options, metrics: metrics)))
        capacity = options.effectiveChannelCapacity
        self.wake = wake
    }

    // MARK: From any thread

    /// Returns when there is room for a message, or no use in waiting for it, or it is too late.
    func room(until deadline: NIODeadline? = nil) async {
        let id = state.withLock { state -> UInt64? in
            guard state.isFull(capacity), state.end == nil else { return nil }
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard let id else { return }
        let timer = deadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.release(id) }
        }
        defer { timer?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.isFull(capacity), state.end == nil, !Task.isCancelled else { return false }
                    // The alarm may have rung before: it only finds who waits already.
                    if let deadline, deadline <= .now() { return false }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            release(id)
        }
    }

    private func release(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume()
    }

    /// The message as it can be put in at once, encoded where it keeps nobody waiting.
    func encode(_ message: Message) async throws(ConnectionError) -> OutboundPayload {
        try await state.withLock { $0.encoding }.encodeElsewhere(message)
    }

    private enum Step {
        case sent(mustWake: Bool)
        case full
        case takesLong(PayloadEncoding)
    }

    /// Waits for room, `timeout` at most, and puts the message in.
    func send(_ message: Message, timeout: Duration? = nil) async throws(ConnectionError) {
        var deadline: NIODeadline?
        var encoded: OutboundPayload?
        while true {
            if Task.isCancelled { throw .cancelled }
            let payload = encoded
            let step = try state.withLock { state throws(ConnectionError) -> Step in
                if let end = state.end { throw end }
                if payload == nil, state.encoding.isLong(message) { return .takesLong(state.encoding) }
                if state.isFull(capacity) { return .full }
                if let payload { return .sent(mustWake: try state.append(payload)) }
                return .sent(mustWake: try state.append(message))
            }
            switch step {
            case .sent(let mustWake):
                if mustWake { wake() }
                return
            case .takesLong(let encoding): encoded = try await encoding.encodeElsewhere(message)
            case .full:
                if let deadline, deadline <= .now() {
                    throw .timedOut(what: "waiting for room to send \(message.name)")
                }
                if deadline == nil, let timeout { deadline = .now() + TimeAmount(timeout) }
                await room(until: deadline)
            }
        }
    }

    /// Puts a short message in, however full it is.
    func sendNow(_ message: Message) throws(ConnectionError) {
        let mustWake = try state.withLock { state throws(ConnectionError) -> Bool in try state.append(message) }
        if mustWake { wake() }
    }

    /// Puts any message in if there is room; false when there is none.
    func sendIfRoom(_ payload: OutboundPayload) throws(ConnectionError) -> Bool {
        let mustWake = try state.withLock { state throws(ConnectionError) -> Bool? in
            if state.end == nil, state.isFull(capacity) { return nil }
            return try state.append(payload)
        }
        if mustWake == true { wake() }
        return mustWake != nil
    }

    /// A handler is done with a message of so many bytes, and this is its reply.
    func finishWork(bytes: Int, reply: OutboundPayload?) {
        let mustWake = state.withLock { state in
            state.inWork -= 1
            state.bytesInWork -= bytes
            if let reply, state.end == nil {
                state.writer.append(reply)
                state.messages += 1
            } else if !state.isWorkAwaited {
                return false
            }
            state.isWorkAwaited = false
            return state.mustTell()
        }
        if mustWake { wake() }
    }

    // MARK: On the event loop

    /// Everything that is put in from here on must be sealed after it was taken out.
    func seal() {
        state.withLock { state in
            state.writer.isSealed = true
            state.encoding.tagLength = RecordCipher.tagLength
        }
    }

    /// The handshake is over: from here on messages are written as the options say.
    func open(_ options: ConnectionOptions) {
        state.withLock { state in
            state.encoding.format = options.format
            state.encoding.compression = options.compression
        }
    }

    /// What comes from here on is written in this format.
    func speak(_ format: MessageFormat) { state.withLock { $0.encoding.format = format } }

    func beginWork(bytes: Int) {
        state.withLock { state in
            state.inWork += 1
            state.bytesInWork += bytes
        }
    }

    /// Whether this message is to be encoded elsewhere.
    func takesLong(_ message: Message) -> Bool {
        // Nearly all are short, and for them there is no lock to take.
        message.bincodeLength >= PayloadEncoding.longLength && state.withLock { $0.encoding.isLong(message) }
    }

    /// Puts a message in that the event loop will take at the end of this turn anyway.
    func appendOnLoop(_ message: Message) throws(ConnectionError) {
        _ = try state.withLock { state throws(ConnectionError) -> Bool in try state.append(message) }
    }

    /// What is to be written, how many messages it is, and whether some must be sealed before; nil when there is nothing.
    func take() -> (bytes: ByteBuffer, messages: Int, mustSeal: Bool)? {
        state.withLock { state in
            state.isFlushDue = false
            guard state.messages > 0 else { return nil }
            let bytes = state.writer.take()
            let messages = state.messages
            state.messages = 0
            state.messagesUnderWay += messages
            state.bytesUnderWay += bytes.readableBytes
            return (bytes, messages, state.writer.isSealed)
        }
    }

    /// The system has taken so much.
    func written(bytes: Int, messages: Int) {
        let waiters = state.withLock { state -> [Waiter] in
            state.bytesUnderWay -= bytes
            state.bytesWritten += bytes
            state.messagesUnderWay -= messages
            return state.isFull(capacity) ? [] : state.takeWaiters()
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Whether the connection may take one more message from its peer.
    var mayRead: Bool {
        state.withLock { state in
            guard state.inWork < capacity, state.bytesInWork < Outbox.byteCapacity else {
                state.isWorkAwaited = true
                return false
            }
            return !state.isFull(capacity)
        }
    }

    /// Whether so many messages wait that small answers are better left out.
    var isCrowded: Bool { state.withLock { $0.messages + $0.messagesUnderWay >= capacity + Outbox.spareMessages } }

    /// Whether nothing is in work and everything is written.
    var isIdle: Bool {
        state.withLock { state in
            if state.inWork > 0 { state.isWorkAwaited = true }
            return state.inWork == 0 && state.messages == 0 && state.messagesUnderWay == 0
        }
    }

    /// Why nothing can be sent any more.
    var endReason: ConnectionError? { state.withLock { $0.end } }

    /// What the system has taken since the connection began, as far as whole writes are done.
    var bytesWritten: Int { state.withLock { $0.bytesWritten } }

    var bytesUnderWay: Int { state.withLock { $0.bytesUnderWay } }

    /// All bytes that the system has not taken.
    var bytesWaiting: Int { state.withLock { $0.writer.buffer.readableBytes + $0.bytesUnderWay } }

    /// Nothing can be sent any more, and this is why.
    func end(_ error: ConnectionError) {
        let waiters = state.withLock { state -> [Waiter] in
            if state.end == nil { state.end = error }
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.continuation.resume() }
    }
}
