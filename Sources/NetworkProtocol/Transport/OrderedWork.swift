internal import NIOCore
internal import Synchronization

/// Messages without a number, which a daemon handles one after the other, in order: the event loop puts them in, and
/// one task at a time takes them out as long as there are any.
final class OrderedWork: Sendable {
    private struct Item {
        let message: Message
        /// Of its payload.
        let bytes: Int
    }

    private struct State {
        var items = CircularBuffer<Item>(initialCapacity: 4)
        var isAtWork = false
    }

    private static let turn = ConnectionWork.turn

    private let state = Mutex(State())
    private let account: WorkBudget.Account

    /// - Parameter account: has counted a message before it is put in here.
    init(_ account: WorkBudget.Account) { self.account = account }

    /// Whether nothing waits and nothing is in progress.
    var isIdle: Bool { state.withLock { !$0.isAtWork } }

    /// Whether a task must be started to handle the messages.
    func put(_ message: Message, bytes: Int) -> Bool {
        state.withLock { state in
            state.items.append(Item(message: message, bytes: bytes))
            defer { state.isAtWork = true }
            return !state.isAtWork
        }
    }

    /// Nothing more is put in, and nothing more is handled.
    func end() {
        let dropped = state.withLock { state in
            let items = state.items
            state.items = CircularBuffer()
            return items
        }
        for item in dropped { account.end(bytes: item.bytes) }
    }

    /// Handles messages until there are none.
    func work(
        _ dispatcher: Dispatcher,
        _ context: Dispatcher.Context,
        _ outbox: Outbox,
        _ failures: HandlerFailureLog
    ) async {
        var end = ContinuousClock.now + OrderedWork.turn
        while let item = next() {
            if ContinuousClock.now >= end {
                await Task.yield()
                end = .now + OrderedWork.turn
            }
            let reply = await OrderedMessage.reply(to: item.message, dispatcher, context, failures)
            await HandlerFailure.finish(outbox, bytes: item.bytes, reply: reply, id: 0)
            account.end(bytes: item.bytes)
        }
    }

    private func next() -> Item? {
        state.withLock { state in
            if let item = state.items.popFirst() { return item }
            state.isAtWork = false
            return nil
        }
    }
}
