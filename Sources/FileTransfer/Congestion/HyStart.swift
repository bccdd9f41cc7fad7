/// Ends the first slow start when the round-trip time grows, before packets are lost: HyStart++, RFC 9406. Packets are
/// paced, so its limit L is infinite.
struct HyStart {
    static let minimumThreshold: Int64 = 4_000_000
    static let maximumThreshold: Int64 = 16_000_000
    static let thresholdDivisor: Int64 = 8
    static let samples = 8
    /// Conservative slow start grows so many times more slowly.
    static let growthDivisor = 4.0
    static let conservativeRounds = 5

    private var lastMinimum = Int64.max
    private var minimum = Int64.max
    private var count = 0
    /// Nil in normal slow start.
    private var baseline: Int64?
    private var roundsLeft = conservativeRounds

    var isConservative: Bool { baseline != nil }

    /// - Returns: whether slow start ends.
    mutating func update(latest: Int64?, startsRound: Bool) -> Bool {
        if startsRound {
            if isConservative {
                roundsLeft -= 1
                if roundsLeft == 0 { return true }
            }
            lastMinimum = minimum
            minimum = .max
            count = 0
        }
        guard let latest else { return false }
        minimum = min(minimum, latest)
        count += 1
        guard count >= Self.samples else { return false }
        if let baseline {
            // The time has fallen again: it was not a queue.
            if minimum < baseline { self.baseline = nil }
        } else if lastMinimum != .max {
            let threshold = max(
                Self.minimumThreshold,
                min(lastMinimum / Self.thresholdDivisor, Self.maximumThreshold)
            )
            if minimum >= lastMinimum + threshold {
                baseline = minimum
                roundsLeft = Self.conservativeRounds
            }
        }
        return false
    }
}
