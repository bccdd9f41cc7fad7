internal import LinkMeasurement
internal import Synchronization

/// The bytes that a test may still move. More are requested ahead of need from the day's account, and nothing moves
/// that is not charged: a kill can only charge too much.
final class ByteAllowance: Sendable {
    fileprivate struct State {
        var left: Int
        /// Granted, and neither moved nor given back yet.
        var granted = 0
        var refilling = false
        /// No more installments will come.
        var last = false
        var waiters: [@Sendable () -> Void] = []
        var isClosed = false

        /// True for the one caller that must request an installment.
        mutating func needsRefill(below level: Int) -> Bool {
            guard left < level, !refilling, !last else { return false }
            refilling = true
            return true
        }
    }

    /// Streams that share the last bytes take so few at a time that none ends while another holds many.
    private static let smallestGrant = 64 << 10
    /// Reserved, per tunnel, from those that count what has already moved: more than one round of reading takes.
    private static let reserveOfTunnel = 2 << 20

    private let state: Mutex<State>
    private let installment: Int
    private let reserve: Int

    /// - Parameter tunnels: the most concurrent connections of the test.
    init(charged: Int, tunnels: Int = 8, installment: Int) {
        // Less than an installment is all that is left of the day.
        self.state = Mutex(State(left: charged, last: charged < installment))
        self.installment = installment
        self.reserve = min(Self.reserveOfTunnel * tunnels, installment / 4)
    }

    /// Counts bytes that have moved.
    /// - Returns: whether to continue, and whether the caller must request an installment now.
    func spend(_ count: Int) -> (verdict: TunnelMeter.Verdict, refill: Bool) {
        state.withLock { state in
            state.left -= count
            if state.last { return (state.left <= 0 ? .stop : .go, false) }
            let refill = state.needsRefill(below: installment / 2)
            return (state.left < reserve ? .wait : .go, refill)
        }
    }

    /// False while those that count what has already moved must wait.
    var isFilled: Bool { state.withLock { $0.last || $0.left >= reserve } }

    /// Calls back, once and on any thread, when those that had to wait may continue.
    func whenFilled(_ body: @escaping @Sendable () -> Void) {
        let isFilled = state.withLock { state in
            // Without a pending refill, nothing would call back; the caller that continues requests one.
            if state.last || state.left >= reserve || !state.refilling { return true }
            if !state.isClosed { state.waiters.append(body) }
            return false
        }
        if isFilled { body() }
    }

    /// Grants at most `wished` bytes that have not moved yet; nil if more may come, from the account or from another
    /// stream; 0 if the budget is spent.
    /// - Parameter moved: bytes of an earlier grant that have moved.
    /// - Returns: the grant, and whether the caller must request an installment now.
    func take(_ wished: Int, moved: Int) -> (bytes: Int?, refill: Bool) {
        state.withLock { state in
            state.granted -= moved
            let share = min(wished, max(Self.smallestGrant, state.left / 16))
            let bytes = max(0, min(share, state.left))
            state.left -= bytes
            state.granted += bytes
            let refill = state.needsRefill(below: installment / 2)
            if bytes > 0 { return (bytes, refill) }
            return (state.last && state.granted == 0 ? 0 : nil, refill)
        }
    }

    /// Ends a grant of which `unused` bytes did not move.
    func giveBack(_ unused: Int, moved: Int) {
        state.withLock { state in
            state.granted -= unused + moved
            state.left += unused
        }
    }

    /// `charged` bytes were added to the account; fewer than an installment means that the day's budget ends with them.
    func refill(_ charged: Int) {
        let waiters = state.withLock { state in
            state.left += charged
            state.refilling = false
            state.last = charged < installment
            return state.takeWaiters()
        }
        for waiter in waiters { waiter() }
    }

    /// The test is over: releases all waiters.
    func close() {
        state.withLock { state in
            state.isClosed = true
            _ = state.takeWaiters()
        }
    }
}

extension ByteAllowance.State {
    fileprivate mutating func takeWaiters() -> [@Sendable () -> Void] {
        defer { waiters = [] }
        return waiters
    }
}
