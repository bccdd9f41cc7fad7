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
        var refilling = false
        /// No more instalments will come.
        var last = false
    }

    private let state: Mutex<State>
    private let instalment: Int

    init(charged: Int, instalment: Int = Governor.instalment) {
        self.state = Mutex(State(left: charged))
        self.instalment = instalment
    }

    func spend(_ count: Int) -> Verdict {
        state.withLock { state in
            state.left -= count
            // Past the budget, or so far ahead of the books that a kill could lose count.
            if state.left <= 0, state.last || state.left < -instalment { return .spent }
            if state.left < instalment / 2, !state.refilling, !state.last {
                state.refilling = true
                return .refill
            }
            return .go
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
