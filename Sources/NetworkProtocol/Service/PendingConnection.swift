internal import NIOCore
internal import Synchronization

/// A connection that is being made. Any number of tasks may wait for it, each with its own deadline.
final class PendingConnection: Sendable {
    typealias Outcome = Result<Connection, ConnectionError>

    private struct State {
        var waiters: [ConnectionWaiter<Connection>] = []
        var outcome: Outcome?
        /// Makes the connection.
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())
    /// What timed out, if it did.
    private let what: String

    /// Starts; `connect` makes the connection.
    ///
    /// - Parameter what: named in the error if it times out.
    init(_ what: String, _ connect: @escaping @Sendable () async throws(ConnectionError) -> Connection) {
        self.what = what
        // The task refers to this until it is done, so every waiting task gets the result.
        let task = Task {
            let outcome: Outcome
            do throws(ConnectionError) {
                outcome = .success(try await connect())
            } catch {
                outcome = .failure(error)
            }
            self.finish(outcome)
        }
        state.withLock { $0.task = task }
    }

    /// Gives up: waiting tasks fail with ``ConnectionError/closed``.
    func cancel() {
        // First, because the task ends with `cancelled`, which is not what happened to the waiting tasks.
        finish(.failure(.closed))
        state.withLock { $0.task }?.cancel()
    }

    /// Whether there is a connection, or the reason why there is none.
    var isDecided: Bool { state.withLock { $0.outcome != nil } }

    /// Returns when nothing is in progress anymore.
    func ended() async { await state.withLock { $0.task }?.value }

    /// Waits for the connection, until `deadline` at most; `eventLoop` fires then.
    func value(until deadline: NIODeadline?, on eventLoop: any EventLoop) async throws(ConnectionError) -> Connection {
        if Task.isCancelled { throw .cancelled }
        let waiter = ConnectionWaiter<Connection>()
        let outcome = state.withLock { state -> Outcome? in
            if let outcome = state.outcome { return outcome }
            if let deadline, deadline <= .now() { return .failure(.timedOut(what: what)) }
            state.waiters.append(waiter)
            return nil
        }
        if let outcome { return try outcome.get() }
        return try await waiter.value(
            until: deadline,
            on: eventLoop,
            late: { self.release(waiter, .timedOut(what: self.what)) },
            giveUp: { self.release(waiter, .cancelled) }
        )
    }

    private func release(_ waiter: ConnectionWaiter<Connection>, _ error: ConnectionError) {
        state.withLock { $0.waiters.removeAll { $0 === waiter } }
        waiter.resume(throwing: error)
    }

    private func finish(_ outcome: Outcome) {
        let waiters = state.withLock { state -> [ConnectionWaiter<Connection>] in
            guard state.outcome == nil else { return [] }
            state.outcome = outcome
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(with: outcome) }
    }
}
