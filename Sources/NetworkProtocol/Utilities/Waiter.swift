internal import Synchronization

/// One task that waits for one value: until the value is there, the deadline passes, or the task is canceled.
///
/// The owner keeps it in a list. Only its first result counts, and that may come before the task waits. When the task
/// gives up, it calls the owner, which takes it off the list, so that the value goes to another task.
final class Waiter<Value: Sendable, Failure: Error>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Result<Value, Failure>, Never>)
        case decided(Result<Value, Failure>)
        /// It keeps no reference to the value that it returned.
        case over
    }

    private let state = Mutex(State.idle)

    /// False if it was decided before: this result does not count.
    @discardableResult
    func resume(with result: Result<Value, Failure>) -> Bool {
        let (counts, continuation) = state.withLock {
            state -> (Bool, CheckedContinuation<Result<Value, Failure>, Never>?) in
            switch state {
            case .idle:
                state = .decided(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .over
                return (true, continuation)
            case .decided, .over: return (false, nil)
            }
        }
        continuation?.resume(returning: result)
        return counts
    }

    func resume(returning value: Value) { resume(with: .success(value)) }
    func resume(throwing error: Failure) { resume(with: .failure(error)) }

    /// Waits. Must be called once.
    ///
    /// - Parameter giveUp: called when the task is canceled, from any thread. It must take this waiter off its owner's
    ///   list and resume it. Not called if there is a value already.
    func value(giveUp: @escaping @Sendable () -> Void) async throws(Failure) -> Value {
        if let result = take() { return try result.get() }
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Result<Value, Failure>? in
                    if case .decided(let result) = state {
                        state = .over
                        return result
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            giveUp()
        }.get()
    }

    private func take() -> Result<Value, Failure>? {
        state.withLock { state in
            guard case .decided(let result) = state else { return nil }
            state = .over
            return result
        }
    }
}
