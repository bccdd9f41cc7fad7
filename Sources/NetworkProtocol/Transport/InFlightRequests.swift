internal import NIOCore
internal import Synchronization

/// Requests that wait for their replies, by number, and pings that wait for their pongs, in order.
final class InFlightRequests: Sendable {
    typealias Reply = ConnectionWaiter<[UInt8]>

    private struct Request {
        let reply: Reply
        let deadline: NIODeadline
        let command: String
    }

    private struct Ping {
        /// Nil if no task waits; a pong will arrive all the same.
        var pong: ConnectionWaiter<Void>?
    }

    private struct State {
        var requests: [UInt64: Request] = [:]
        /// When the event loop will look for requests that timed out, each time earlier than the one before.
        var sweeps: [NIODeadline] = []
        /// Oldest first.
        var pings: [Ping] = []
        var end: ConnectionError?

        /// Whether no look is scheduled by then, so that one must be.
        mutating func mustSweep(at deadline: NIODeadline) -> Bool {
            if let soonest = sweeps.last, soonest <= deadline { return false }
            sweeps.append(deadline)
            return true
        }
    }

    private let state = Mutex(State())
    private let lastID = Atomic<UInt64>(0)

    func nextID() -> UInt64 { lastID.wrappingAdd(1, ordering: .relaxed).newValue }

    enum Entry {
        /// `sweep`: when the event loop must look for late requests, unless it does anyway.
        case entered(sweep: NIODeadline?, isAlone: Bool)
        case ended(ConnectionError)
    }

    /// Adds a request before it is sent.
    func enter(_ id: UInt64, command: String, deadline: NIODeadline, _ reply: Reply) -> Entry {
        state.withLock { state in
            if let end = state.end { return .ended(end) }
            state.requests[id] = Request(reply: reply, deadline: deadline, command: command)
            return .entered(
                sweep: state.mustSweep(at: deadline) ? deadline : nil,
                isAlone: state.requests.count == 1
            )
        }
    }

    /// False if nothing waits for it: it is too late, or the peer made up the number.
    @discardableResult
    func finish(_ id: UInt64, with result: Result<[UInt8], ConnectionError>) -> Bool {
        guard let request = state.withLock({ $0.requests.removeValue(forKey: id) }) else { return false }
        return request.reply.resume(with: result)
    }

    /// The task no longer waits for the reply to a request that may have been sent.
    func giveUp(_ id: UInt64, _ error: ConnectionError) { finish(id, with: .failure(.unanswered(error))) }

    /// Removes a request that was not sent, unless it has timed out in the meantime. Throws the reason if the
    /// connection has ended in the meantime.
    func withdraw(_ id: UInt64) throws(ConnectionError) {
        let end = state.withLock { state in state.requests.removeValue(forKey: id) == nil ? state.end : nil }
        if let end { throw end }
    }

    /// Ends requests that timed out. Returns when to look again, unless a look is scheduled by then.
    ///
    /// - Parameter remark: added to the errors of the requests that timed out.
    func sweep(now: NIODeadline, remark: () -> String = { "" }) -> NIODeadline? {
        let (late, next) = state.withLock { state -> ([Request], NIODeadline?) in
            let late = state.requests.filter { $0.value.deadline <= now }
            for id in late.keys { state.requests[id] = nil }
            while let sweep = state.sweeps.last, sweep <= now { state.sweeps.removeLast() }
            let next = state.requests.values.map(\.deadline).min()
            return (Array(late.values), next.flatMap { state.mustSweep(at: $0) ? $0 : nil })
        }
        for request in late {
            let late = ConnectionError.timedOut(what: "the answer to \(request.command)\(remark())")
            request.reply.resume(throwing: .unanswered(late))
        }
        return next
    }

    /// Pings that may be in flight at once: a peer that never answers must not make the list grow.
    private static let maximumPings = 256

    /// Adds a ping before it is sent, in sending order; returns the reason if it must not be sent.
    func enterPing(_ pong: ConnectionWaiter<Void>?) -> ConnectionError? {
        state.withLock { state -> ConnectionError? in
            if let end = state.end { return end }
            guard state.pings.count < InFlightRequests.maximumPings else {
                return .timedOut(what: "the answer to earlier pings")
            }
            state.pings.append(Ping(pong: pong))
            return nil
        }
    }

    /// A pong arrived: it answers the oldest ping.
    func pong() { state.withLock { $0.pings.isEmpty ? nil : $0.pings.removeFirst() }?.pong?.resume(returning: ()) }

    /// The task no longer waits; the pong will arrive all the same.
    func cancelPing(_ pong: ConnectionWaiter<Void>) {
        state.withLock { state in
            if let index = state.pings.firstIndex(where: { $0.pong === pong }) { state.pings[index].pong = nil }
        }
        pong.resume(throwing: .cancelled)
    }

    var isEmpty: Bool { state.withLock { $0.requests.isEmpty } }

    /// Whether the program waits for a reply or a pong.
    var isAwaited: Bool {
        state.withLock { state in !state.requests.isEmpty || state.pings.contains { $0.pong != nil } }
    }

    /// Why no more replies can arrive: set before anything else when a connection begins to end.
    var endReason: ConnectionError? { state.withLock { $0.end } }

    func end(_ error: ConnectionError) {
        let (requests, pings) = state.withLock { state in
            if state.end == nil { state.end = error }
            defer {
                state.requests = [:]
                state.pings = []
            }
            return (state.requests, state.pings)
        }
        for request in requests.values { request.reply.resume(throwing: .unanswered(error)) }
        for ping in pings { ping.pong?.resume(throwing: error) }
    }
}
