internal import NIOCore
internal import Synchronization

/// Requests that wait for their replies, by number, and pings that wait for their pongs, in order.
final class Calls: Sendable {
    /// Nil when the request was not sent.
    typealias Reply = CheckedContinuation<[UInt8]?, any Error>

    private struct Call {
        let continuation: Reply
        let deadline: NIODeadline
        let command: String
    }

    private struct State {
        var calls: [UInt64: Call] = [:]
        var nextID: UInt64 = 1
        /// When the event loop will look for calls that waited too long, each sooner than the one before.
        var sweeps: [NIODeadline] = []
        /// Oldest first; nil where nobody waits, but a pong will come all the same.
        var pings: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>?)] = []
        var end: ConnectionError?

        /// Whether nobody will look by then; somebody must now.
        mutating func mustSweep(at deadline: NIODeadline) -> Bool {
            if let soonest = sweeps.last, soonest <= deadline { return false }
            sweeps.append(deadline)
            return true
        }
    }

    private let state = Mutex(State())

    func nextID() -> UInt64 {
        state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    /// Enters a call before it is sent; false, with `reply` resumed, when it must not be. And when the event loop should look earlier
    /// than it would: when.
    func enter(
        _ id: UInt64,
        command: String,
        deadline: NIODeadline,
        _ reply: Reply
    ) -> (isEntered: Bool, sweep: NIODeadline?) {
        let (end, sweep) = state.withLock { state -> (ConnectionError?, NIODeadline?) in
            if let end = state.end { return (end, nil) }
            if Task.isCancelled { return (.cancelled, nil) }
            state.calls[id] = Call(continuation: reply, deadline: deadline, command: command)
            return (nil, state.mustSweep(at: deadline) ? deadline : nil)
        }
        if let end { reply.resume(throwing: end) }
        return (end == nil, sweep)
    }

    /// False when nobody waits for it: it came too late, or the peer made the number up.
    @discardableResult
    func finish(_ id: UInt64, with result: Result<[UInt8], ConnectionError>) -> Bool {
        guard let call = state.withLock({ $0.calls.removeValue(forKey: id) }) else { return false }
        call.continuation.resume(with: result.map(Optional.some).mapError { $0 as any Error })
        return true
    }

    /// Nobody waits any more for the reply to a call that may have been sent.
    func giveUp(_ id: UInt64, _ error: ConnectionError) { finish(id, with: .failure(.unanswered(error))) }

    /// Takes back a call that was not sent.
    func withdraw(_ id: UInt64) {
        state.withLock { $0.calls.removeValue(forKey: id) }?.continuation.resume(returning: nil)
    }

    /// Ends calls that waited too long; when to look again, unless that is seen to.
    ///
    /// - Parameter standing: what there is to add for those whose time is over.
    func sweep(now: NIODeadline, standing: () -> String = { "" }) -> NIODeadline? {
        let (late, next) = state.withLock { state -> ([Call], NIODeadline?) in
            let late = state.calls.filter { $0.value.deadline <= now }
            for id in late.keys { state.calls[id] = nil }
            while let sweep = state.sweeps.last, sweep <= now { state.sweeps.removeLast() }
            let next = state.calls.values.map(\.deadline).min()
            return (Array(late.values), next.flatMap { state.mustSweep(at: $0) ? $0 : nil })
        }
        for call in late {
            let late = ConnectionError.timedOut(what: "the answer to \(call.command)\(standing())")
            call.continuation.resume(throwing: ConnectionError.unanswered(late))
        }
        return next
    }

    /// Pings that may be on their way at once: a peer that never answers must not make the list grow.
    private static let maximumPings = 256

    /// Enters a ping before it is sent, in the order in which they are sent; false, with the continuation resumed, when it must not be.
    func enterPing(_ id: UInt64, _ continuation: CheckedContinuation<Void, any Error>?) -> Bool {
        let end = state.withLock { state -> ConnectionError? in
            if let end = state.end { return end }
            if continuation != nil, Task.isCancelled { return .cancelled }
            guard state.pings.count < Calls.maximumPings else { return .timedOut(what: "the answer to earlier pings") }
            state.pings.append((id, continuation))
            return nil
        }
        if let end { continuation?.resume(throwing: end) }
        return end == nil
    }

    func pong() {
        let ping = state.withLock { $0.pings.isEmpty ? nil : $0.pings.removeFirst() }
        ping?.continuation?.resume()
    }

    func cancelPing(_ id: UInt64) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let index = state.pings.firstIndex(where: { $0.id == id }) else { return nil }
            defer { state.pings[index].continuation = nil }
            return state.pings[index].continuation
        }
        continuation?.resume(throwing: ConnectionError.cancelled)
    }

    var isEmpty: Bool { state.withLock { $0.calls.isEmpty } }

    /// Whether the program waits for a reply or a pong.
    var isAwaited: Bool {
        state.withLock { state in !state.calls.isEmpty || state.pings.contains { $0.continuation != nil } }
    }

    /// Why no reply can come any more: set first of all when a connection begins to end.
    var endReason: ConnectionError? { state.withLock { $0.end } }

    func end(_ error: ConnectionError) {
        let (calls, pings) = state.withLock { state in
            if state.end == nil { state.end = error }
            defer {
                state.calls = [:]
                state.pings = []
            }
            return (state.calls, state.pings)
        }
        for call in calls.values { call.continuation.resume(throwing: ConnectionError.unanswered(error)) }
        for ping in pings { ping.continuation?.resume(throwing: error) }
    }
}
