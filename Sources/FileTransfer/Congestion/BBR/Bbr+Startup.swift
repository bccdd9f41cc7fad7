extension Bbr {
    /// Runs of lost packets in a round that end startup.
    static let startupLossRuns = 6
    /// Rounds after which drain ends in any case.
    static let drainRounds: UInt64 = 3

    /// Section 5.3.1: the first search for the path's rate ends when the rate no longer grows, or by losses.
    mutating func checkStartup(_ newest: PacketHistory) {
        if lossRound.starts {
            if state == .startup, !pipe.wasFilled, lossRound.runs >= Self.startupLossRuns,
                isTooHigh(lost: newest.lost, inFlight: newest.inFlight)
            {
                recovery.endedState = .startup
                pipe.wasFilled = true
                longTermInFlight = max(bandwidthDelayProduct(1), lossRound.inFlight)
            }
            lossRound.clearRuns()
        }
        if state == .startup, pipe.wasFilled { beginDrain() }
    }

    mutating func beginDrain() {
        state = .drain
        drainStart = roundCount
    }

    /// Section 5.3.2.
    mutating func checkDrain(_ sample: CongestionSample) {
        guard state == .drain else { return }
        if Double(sample.inFlight) <= targetInFlight(1) || roundCount > drainStart + Self.drainRounds {
            beginDown(now: sample.now)
        }
    }
}
