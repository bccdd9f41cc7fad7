internal import Synchronization

/// The bytes that a test may still move. More are asked for, ahead of need, from whoever keeps the day's account.
final class ByteAllowance: Sendable {
    enum Verdict: Equatable {
        case go
        /// Moving on, but an instalment must be asked for now.
        case refill
        /// The budget is spent: the test ends.
        case spent
    }

    private struct State {
        var left: Int
        /// Granted, and neither moved nor given back yet.
        var granted = 0
        var refilling = false
        /// No more instalments will come.
        var last = false

        /// True for the one caller that has to ask for an instalment.
        mutating func needsRefill(below level: Int) -> Bool {
            guard left < level, !refilling, !last else { return false }
            refilling = true
            return true
        }
    }

    /// Streams that share the last bytes take so few at once that none ends while another holds many.
    private static let smallestGrant = 64 << 10

    private let state: Mutex<State>
    private let instalment: Int

    init(charged: Int, instalment: Int = Governor.instalment) {
        // Less than an instalment is all that the day has left.
        self.state = Mutex(State(left: charged, last: charged < instalment))
        self.instalment = instalment
    }

    /// Counts bytes that have moved.
    func spend(_ count: Int) -> Verdict {
        state.withLock { state in
            state.left -= count
            // Past the budget, or so far ahead of the books that a kill could lose count.
            if state.left <= 0, state.last || state.left < -instalment { return .spent }
            return state.needsRefill(below: instalment / 2) ? .refill : .go
        }
    }

    /// Grants up to `wished` bytes that have not moved yet; nil when more may come, from the books or from another stream.
    /// - Parameter moved: bytes of an earlier grant that have moved.
    func take(_ wished: Int, moved: Int) -> (bytes: Int?, verdict: Verdict) {
        state.withLock { state in
            state.granted -= moved
            let share = min(wished, max(Self.smallestGrant, state.left / 16))
            let bytes = max(0, min(share, state.left))
            state.left -= bytes
            state.granted += bytes
            let verdict: Verdict = state.needsRefill(below: instalment / 2) ? .refill : .go
            if bytes > 0 { return (bytes, verdict) }
            return state.last && state.granted == 0 ? (0, .spent) : (nil, verdict)
        }
    }

    /// Ends a grant of which `unused` bytes did not move.
    func giveBack(_ unused: Int, moved: Int) {
        state.withLock { state in
            state.granted -= unused + moved
            state.left += unused
        }
    }

    /// `charged` bytes were added to the account; fewer than an instalment means that the day's budget ends with them.
    func refill(_ charged: Int) {
        state.withLock { state in
            state.left += charged
            state.refilling = false
            state.last = charged < instalment
        }
    }
}
