internal import Synchronization

/// A value that becomes known once, for all who ask, before or after.
package final class Announcement<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var isOver = false
        var waiting: [UInt64: CheckedContinuation<Value?, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Makes it known; the first value counts. Nil: it will never be known.
    package func announce(_ value: Value?) {
        let (announced, waiting) = state.withLock { state -> (Value?, [UInt64: CheckedContinuation<Value?, Never>]) in
            guard !state.isOver else { return (nil, [:]) }
            state.isOver = true
            state.value = value
            defer { state.waiting = [:] }
            return (value, state.waiting)
        }
        for waiter in waiting.values { waiter.resume(returning: announced) }
    }

    /// Waits for it; nil if it will never be known, or if the task is canceled.
    package func value() async -> Value? {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Value?? in
                    if state.isOver { return .some(state.value) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: nil)
        }
    }
}
