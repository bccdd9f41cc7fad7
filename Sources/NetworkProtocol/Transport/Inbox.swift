internal import Synchronization

/// Messages that have arrived and that the program has not yet received, in order. The event loop adds them; tasks take
/// them.
final class Inbox: Sendable {
    /// Bytes that may wait before one more message is too many.
    static let byteCapacity = 1 << 20
    /// Messages, and bytes before one more message is too many, that are accepted beyond the capacity while the program
    /// waits for a reply, which arrives behind them. The program did not request them, and may never receive them.
    static let reserve = 4_096
    static let byteReserve = 16 << 20

    private struct Item {
        var message: Message
        /// Of its payload.
        let bytes: Int
    }

    private typealias Receiver = ConnectionWaiter<Message?>

    private struct State {
        var items: [Item] = []
        var first = 0
        var bytes = 0
        var waiters: [Receiver] = []
        var end: Result<Void, ConnectionError>?
        /// Whether the event loop stopped reading for lack of room.
        var isAwaited = false

        var count: Int { items.count - first }
        func hasRoom(_ capacity: Int) -> Bool { count < capacity && bytes < Inbox.byteCapacity }
        func hasReserve(_ capacity: Int) -> Bool { count < capacity + Inbox.reserve && bytes < Inbox.byteReserve }

        /// Whether the event loop must be notified that there is room again; true once.
        mutating func mustTell(_ capacity: Int) -> Bool {
            guard isAwaited, hasRoom(capacity) else { return false }
            isAwaited = false
            return true
        }

        mutating func pop() -> Message? {
            guard first < items.count else { return nil }
            let item = items[first]
            items[first].message = .unknown
            first += 1
            bytes -= item.bytes
            if first == items.count {
                items.removeAll(keepingCapacity: items.capacity <= 64)
                first = 0
            } else if first >= 32, first * 2 >= items.count {
                // A receiver that is always slightly behind never takes the last message.
                items.removeFirst(first)
                first = 0
            }
            return item.message
        }
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let roomMade: @Sendable () -> Void

    init(capacity: Int, roomMade: @escaping @Sendable () -> Void) {
        self.capacity = capacity
        self.roomMade = roomMade
    }

    /// Whether there is room for one more message; if not, `roomMade` is called when there is.
    var hasRoom: Bool {
        state.withLock { state in
            let hasRoom = state.hasRoom(capacity)
            if !hasRoom { state.isAwaited = true }
            return hasRoom
        }
    }

    /// Whether there is room for one more message while a reply is awaited.
    var hasReserve: Bool { state.withLock { $0.hasReserve(capacity) } }

    /// Whether the reserve is used up.
    var isFull: Bool { !hasReserve }

    /// Messages that wait to be received.
    var count: Int { state.withLock { $0.count } }

    /// Tasks that wait for a message.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Messages for which memory is allocated.
    var room: Int { state.withLock { $0.items.capacity } }

    var isEmpty: Bool { state.withLock { $0.items.isEmpty } }

    /// Adds a message. A task that waits for it is resumed by ``deliver()``.
    func put(_ message: Message, bytes: Int) {
        state.withLock { state in
            guard state.end == nil else { return }
            state.items.append(Item(message: message, bytes: bytes))
            state.bytes += bytes
        }
    }

    /// Resumes the tasks that wait for the messages that were added. Called once for all messages that arrived
    /// together: waking a thread costs as much as receiving some kilobytes.
    func deliver() {
        let (deliveries, tells) = state.withLock { state -> ([(Receiver, Message)], Bool) in
            var deliveries: [(Receiver, Message)] = []
            while !state.waiters.isEmpty, let message = state.pop() {
                deliveries.append((state.waiters.removeFirst(), message))
            }
            return (deliveries, state.mustTell(capacity))
        }
        // Input that had no room waits until it is called.
        if tells { roomMade() }
        for (receiver, message) in deliveries { receiver.resume(returning: message) }
    }

    /// No more messages arrive, for this reason. The ones here can still be taken. After that, the result is nil if the
    /// peer announced the end; otherwise the error is thrown.
    func end(of error: ConnectionError) {
        deliver()
        let result: Result<Void, ConnectionError> = error == .closedByPeer ? .success(()) : .failure(error)
        let receivers = state.withLock { state -> [Receiver] in
            guard state.end == nil else { return [] }
            state.end = result
            defer { state.waiters = [] }
            return state.waiters
        }
        for receiver in receivers { receiver.resume(with: result.map { nil }) }
    }

    /// The next message; nil when the peer has announced that no more arrive.
    func take() async throws(ConnectionError) -> Message? {
        enum Step { case message(Message, tells: Bool), end(Result<Void, ConnectionError>), wait(Receiver) }
        let step = state.withLock { state -> Step in
            if let message = state.pop() {
                return .message(message, tells: state.mustTell(capacity))
            }
            if let end = state.end { return .end(end) }
            let receiver = Receiver()
            state.waiters.append(receiver)
            return .wait(receiver)
        }
        switch step {
        case .message(let message, let tells):
            if tells { roomMade() }
            return message
        case .end(let result):
            try result.get()
            return nil
        case .wait(let receiver): return try await receiver.value { self.release(receiver) }
        }
    }

    private func release(_ receiver: Receiver) {
        state.withLock { state in
            if let index = state.waiters.firstIndex(where: { $0 === receiver }) { state.waiters.remove(at: index) }
        }
        receiver.resume(throwing: .cancelled)
    }
}
