internal import Synchronization

/// One task that waits for one value: until the value is there, the deadline passes, or the task is canceled.
///
/// The owner keeps it in a list. Only its first result counts, and that may come before the task waits. When the task
/// gives up, it calls the owner, which takes it off the list, so that the value goes to another task.
final class Waiter<Value: Sendable, Failure: Error>: Sendable {
    /// The waiting task. Resumed once: who takes it out of the state resumes it. A checked continuation, whose check
    /// costs as much as two locks, would only repeat that.
    @safe private struct WaitingTask: Sendable {
        private let continuation: UnsafeContinuation<Result<Value, Failure>, Never>

        init(_ continuation: UnsafeContinuation<Result<Value, Failure>, Never>) {
            unsafe self.continuation = unsafe continuation
        }

        func resume(with result: Result<Value, Failure>) { unsafe continuation.resume(returning: result) }
    }

    private enum State {
        case idle
        case waiting(WaitingTask)
        case decided(Result<Value, Failure>)
        /// It keeps no reference to the value that it returned.
        case over
    }

    private let state = Mutex(State.idle)

    /// False if it was decided before: this result does not count.
    @discardableResult
    func resume(with result: Result<Value, Failure>) -> Bool {
        let (counts, task) = state.withLock { state -> (Bool, WaitingTask?) in
            switch state {
            case .idle:
                state = .decided(result)
                return (true, nil)
            case .waiting(let task):
                state = .over
                return (true, task)
            case .decided, .over: return (false, nil)
            }
        }
        task?.resume(with: result)
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
            unsafe await withUnsafeContinuation { continuation in
                let task = unsafe WaitingTask(continuation)
                let result = state.withLock { state -> Result<Value, Failure>? in
                    if case .decided(let result) = state {
                        state = .over
                        return result
                    }
                    state = .waiting(task)
                    return nil
                }
                if let result { task.resume(with: result) }
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
