internal import NIOCore
internal import Synchronization

/// A connection that is being made, for any number of tasks that wait for it, each for as long as it likes.
final class PendingConnection: Sendable {
    typealias Outcome = Result<Connection, ConnectionError>

    private struct State {
        var waiters: [ConnectionWaiter<Connection>] = []
        var outcome: Outcome?
        /// Makes it.
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())
    /// What took too long, when it did.
    private let what: String

    /// Begins; `connect` makes the connection.
    ///
    /// - Parameter what: it is that takes too long, when it does.
    init(_ what: String, _ connect: @escaping @Sendable () async throws(ConnectionError) -> Connection) {
        self.what = what
        // Until it is done it is held by the task: whoever waits is told, whatever else becomes of it.
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

    /// Gives up: whoever waits fails with ``ConnectionError/closed``.
    func cancel() {
        // First, because the task ends with `cancelled`, which is not what happened to those who wait.
        finish(.failure(.closed))
        state.withLock { $0.task }?.cancel()
    }

    /// Whether there is a connection, or the reason why there is none.
    var isDecided: Bool { state.withLock { $0.outcome != nil } }

    /// Returns when nothing is under way any more.
    func ended() async { await state.withLock { $0.task }?.value }

    /// Waits for the connection, until `deadline` at most; `eventLoop` rings then.
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
