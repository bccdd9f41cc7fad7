internal import Synchronization

/// A value that becomes known once, for all who ask, before or after.
package final class Announcement<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var isOver = false
        var waiting: [ObjectIdentifier: Waiter<Value?, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Makes it known; the first value counts. Nil: it will never be known.
    package func announce(_ value: Value?) {
        let (announced, waiting) = state.withLock { state -> (Value?, [ObjectIdentifier: Waiter<Value?, Never>]) in
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
        let waiter = Waiter<Value?, Never>()
        let known = state.withLock { state -> Value?? in
            if state.isOver { return .some(state.value) }
            state.waiting[ObjectIdentifier(waiter)] = waiter
            return nil
        }
        if let known { return known }
        return await waiter.value {
            self.state.withLock { $0.waiting[ObjectIdentifier(waiter)] = nil }
            waiter.resume(returning: nil)
        }
    }
}
