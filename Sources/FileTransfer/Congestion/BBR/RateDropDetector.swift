/// Finds out that the path has become slower. The draft notices when two cycles of probes have gone by, six seconds
/// later; until then a deep queue stays full.
///
/// ```
/// watching ─▶ checking    2 rounds with a queue and a low rate: the model takes the rate, and drains what is too much
/// checking ─▶ watching    the queue is gone
/// checking ─▶ off         the queue stays, so others fill it: the model gets its rate back
/// off ─▶ watching         a round without a queue
/// ```
struct RateDropDetector: Sendable {
    enum Verdict: Equatable { case none, dropped, restored(Double) }

    private enum State { case watching(low: Int), checking(rounds: Int, former: Double), off }

    /// A round's delivery rate below this share of the model's is low.
    static let share = 0.8
    /// Rounds with a queue and a low rate, without one in between whose rate was not low.
    static let rounds = 2
    /// Rounds after the drain by which the queue must be gone.
    static let patience = 3

    private var state = State.watching(low: 0)

    /// A round of ProbeBW has ended.
    ///
    /// - Parameters:
    ///   - rate: its largest delivery rate, in bytes per second; nil if the sender had too little to send.
    ///   - bandwidth: the model's rate.
    mutating func endRound(rate: Double?, bandwidth: Double, hasQueue: Bool) -> Verdict {
        switch state {
        case .watching(let low):
            guard let rate, rate > 0 else { return .none }
            if rate >= Self.share * bandwidth {
                state = .watching(low: 0)
            } else if hasQueue, low + 1 >= Self.rounds {
                state = .checking(rounds: 0, former: bandwidth)
                return .dropped
            } else if hasQueue {
                state = .watching(low: low + 1)
            }
        case .checking(let rounds, let former):
            if !hasQueue {
                state = .watching(low: 0)
            } else if rounds + 1 < Self.patience {
                state = .checking(rounds: rounds + 1, former: former)
            } else {
                state = .off
                return .restored(former)
            }
        case .off: if !hasQueue { state = .watching(low: 0) }
        }
        return .none
    }
}
