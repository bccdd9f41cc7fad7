/// What a path loses although it is not congested, such as a radio: measured in rounds of cruising without a queue.
///
/// A queue too short to be seen in the round-trip time loses packets as well, but in some rounds only. So the estimate
/// falls four times faster than it rises.
struct BaseLoss: Sendable {
    static let rise = 1.0 / 16
    static let fall = 1.0 / 4
    /// A probe may lose so many times what the path loses anyway: the difference is chance.
    static let factor = 2.0

    private var share: Double?
    private var lost = 0
    private var delivered: UInt64 = 0

    mutating func lost(bytes: Int) { lost += bytes }

    /// - Parameters:
    ///   - delivered: bytes since the path began.
    ///   - counts: whether the flow cruised without a queue.
    mutating func endRound(delivered: UInt64, counts: Bool) {
        defer {
            self.delivered = delivered
            lost = 0
        }
        guard counts, delivered > self.delivered else { return }
        let measured = Double(lost) / (Double(lost) + Double(delivered - self.delivered))
        guard let share else {
            self.share = measured
            return
        }
        self.share = share + (measured > share ? Self.rise : Self.fall) * (measured - share)
    }

    /// The share of losses from which on a round without a queue is congested.
    var threshold: Double {
        guard let share else { return Bbr.lossThresholdWithoutQueue }
        return min(Bbr.lossThreshold + Self.factor * share, Bbr.lossThresholdWithoutQueue)
    }
}
