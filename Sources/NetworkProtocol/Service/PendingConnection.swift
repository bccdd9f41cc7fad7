internal import NIOCore
internal import Synchronization

/// A connection that is being made, for any number of tasks that wait for it, each for as long as it likes.
final class PendingConnection: Sendable {
    typealias Outcome = Result<Connection, ConnectionError>
    private typealias Waiter = CheckedContinuation<Connection, any Error>

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
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
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let alarm = deadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) {
                self.release(id, .timedOut(what: self.what))
            }
        }
        defer { alarm?.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { wait($0, id, deadline) }
            } onCancel: {
                release(id, .cancelled)
            }
        } catch let error as ConnectionError {
            throw error
        } catch {
            // The continuation is resumed with a ConnectionError only.
            throw .closed
        }
    }

    private func wait(_ waiter: Waiter, _ id: UInt64, _ deadline: NIODeadline?) {
        let outcome = state.withLock { state -> Outcome? in
            if let outcome = state.outcome { return outcome }
            if Task.isCancelled { return .failure(.cancelled) }
            // The alarm may have rung before: it only finds who waits already.
            if let deadline, deadline <= .now() { return .failure(.timedOut(what: what)) }
            state.waiters[id] = waiter
            return nil
        }
        if let outcome { waiter.resume(with: outcome.mapError { $0 as any Error }) }
    }

    private func release(_ id: UInt64, _ error: ConnectionError) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: error)
    }

    private func finish(_ outcome: Outcome) {
        let waiters = state.withLock { state -> [UInt64: Waiter] in
            guard state.outcome == nil else { return [:] }
            state.outcome = outcome
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume(with: outcome.mapError { $0 as any Error }) }
    }
}
