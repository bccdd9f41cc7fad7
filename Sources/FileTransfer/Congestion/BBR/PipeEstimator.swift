/// Finds out that a higher rate of sending no longer raises the rate of delivery: section 5.3.1.2 of the draft.
struct PipeEstimator: Sendable {
    static let growth = 1.25
    static let rounds = 3

    private var baseline = 0.0
    private var count = 0
    /// Since the last reset.
    private(set) var isFull = false
    /// Ever.
    var wasFilled = false

    /// Looks anew. `rate`: bytes per second.
    mutating func reset(rate: Double = 0) {
        baseline = rate
        count = 0
        isFull = false
    }

    /// A round has ended, in which the sender had enough to send.
    mutating func update(rate: Double) {
        guard !isFull else { return }
        if rate >= baseline * Self.growth {
            reset(rate: rate)
            return
        }
        count += 1
        guard count >= Self.rounds else { return }
        isFull = true
        wasFilled = true
    }
}
