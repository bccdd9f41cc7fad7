internal import Synchronization

/// One task that waits for one value, until there is one, its deadline has passed, or the task is canceled: whichever is first.
///
/// Its owner keeps it in a list, and resumes it at most once that counts; the value may be there before the task waits. When the task
/// gives up, the owner is told and takes it off the list, so that what it would have got goes to another.
final class Waiter<Value: Sendable, Failure: Error>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Result<Value, Failure>, Never>)
        case decided(Result<Value, Failure>)
        /// It keeps nothing of what it gave.
        case over
    }

    private let state = Mutex(State.idle)

    /// False when it had been decided before: this result does not count.
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

    /// Waits. To be called once.
    ///
    /// - Parameter giveUp: called when the task is canceled, from any thread: takes this off its owner's list and resumes it, as the
    ///   owner sees fit. Not called when there is a value already.
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
