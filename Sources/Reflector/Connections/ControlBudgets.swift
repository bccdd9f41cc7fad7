internal import Identity
internal import NIOCore
internal import Synchronization

/// What known peers move outside of their tests: the bytes of control connections, both directions, all connections of
/// a peer together. A peer that has spent its budget is not read until some is left again.
final class ControlBudgets: Sendable {
    /// Above this number, budgets of quiet peers are dropped, because they are full again.
    private static let mostKept = 64

    /// The cost of a connection itself, in bytes: its handshake, and its line in the audit log.
    static let connectionCost = 2 << 10

    private struct State {
        var budgets: [EndpointID: ByteBudget] = [:]
        var bytes: UInt64 = 0
    }

    private let rate: Int
    private let burst: Int
    private let state = Mutex(State())

    init(limits: ConnectionLimits) {
        self.rate = limits.controlBytesPerSecond
        self.burst = limits.controlBurst
    }

    /// Everything that was charged since the start.
    var bytes: UInt64 { state.withLock { $0.bytes } }

    func charge(_ bytes: Int, to peer: EndpointID, at now: UInt64 = NIODeadline.now().uptimeNanoseconds) {
        guard bytes > 0 else { return }
        state.withLock { state in
            state.bytes &+= UInt64(bytes)
            with(&state, peer, now) { $0.charge(bytes, at: now) }
        }
    }

    /// How long the peer must wait; zero if its budget is not spent.
    func wait(of peer: EndpointID, at now: UInt64 = NIODeadline.now().uptimeNanoseconds) -> TimeAmount {
        state.withLock { state in
            with(&state, peer, now) { .nanoseconds(Int64(clamping: $0.wait(at: now))) }
        }
    }

    private func with<Result>(
        _ state: inout State,
        _ peer: EndpointID,
        _ now: UInt64,
        _ body: (inout ByteBudget) -> Result
    ) -> Result {
        if state.budgets[peer] == nil, state.budgets.count >= Self.mostKept {
            for (other, budget) in state.budgets {
                var budget = budget
                if budget.isFull(at: now) { state.budgets[other] = nil }
            }
        }
        return body(&state.budgets[peer, default: ByteBudget(rate: rate, burst: burst, now: now)])
    }
}
