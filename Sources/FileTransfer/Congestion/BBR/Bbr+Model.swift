extension Bbr {
    /// The rate that the model allows.
    var bandwidth: Double { min(maximum.bandwidth, shortTermBandwidth) }

    var isInCycle: Bool {
        switch state {
        case .down, .cruise, .refill, .up: true
        case .startup, .drain, .probeRoundTrip: false
        }
    }

    /// States in which losses are expected and reduce no short-term bound.
    private var isAccelerating: Bool { state == .startup || state == .refill || state == .up }

    /// Whether the last round had a queue.
    var hasQueue: Bool { queue.isPresent(minimum: roundTrip.minimum) }

    /// The share of what was in flight that a probe may lose.
    var lossThreshold: Double { hasQueue ? Self.lossThreshold : baseLoss.threshold }

    /// Whether so many losses are more than that.
    func isTooHigh(lost: Int, inFlight: Int) -> Bool { Double(lost) > lossThreshold * Double(inFlight) }

    /// Begins a round with the packets sent from now on.
    mutating func startRound() { roundEnd = delivered }

    /// Sections 5.5.1 to 5.5.3 and 5.5.10.3.
    mutating func updateRounds(_ sample: CongestionSample, _ newest: PacketHistory) {
        let rate = sample.rate?.bytesPerSecond ?? 0
        lossRound.update(rate: rate, newest: newest, delivered: delivered)
        startsRound = newest.priorDelivered >= roundEnd
        if startsRound {
            startRound()
            roundCount += 1
            cycle.roundsSinceProbe += 1
            queue.endRound()
            baseLoss.endRound(delivered: delivered, counts: state == .cruise && !hasQueue)
        }
        if let latest = sample.latest { queue.add(latest) }
        if rate > 0, rate >= maximum.bandwidth || !newest.isApplicationLimited { maximum.add(rate) }
        if recovery.ends(sentAt: newest.sentAt) { congestionWindow = max(congestionWindow, priorWindow) }
        guard lossRound.starts else { return }
        let isCongested = hasQueue || isTooHigh(lost: newest.lost, inFlight: newest.inFlight)
        if !isCongested {
            // The losses were not due to congestion, or it is over.
            resetShortTermBounds()
        } else if lossRound.hasLoss, !isAccelerating {
            lowerShortTermBounds()
        }
        followRate(newest)
        lossRound.clearLoss()
    }

    /// When the path has become slower, the model takes its rate at once, and what is too much in flight drains.
    private mutating func followRate(_ newest: PacketHistory) {
        guard isInCycle else { return }
        let verdict = rateDrop.endRound(
            rate: newest.isApplicationLimited ? nil : lossRound.bandwidth,
            bandwidth: maximum.bandwidth,
            hasQueue: hasQueue
        )
        switch verdict {
        case .none: break
        case .dropped:
            maximum.replace(lossRound.bandwidth)
            beginDrain()
        case .restored(let former): maximum.add(former)
        }
    }

    private mutating func lowerShortTermBounds() {
        if shortTermBandwidth == .infinity { shortTermBandwidth = maximum.bandwidth }
        if shortTermInFlight == .infinity { shortTermInFlight = congestionWindow }
        shortTermBandwidth = max(lossRound.bandwidth, Self.beta * shortTermBandwidth)
        shortTermInFlight = max(lossRound.inFlight, Self.beta * shortTermInFlight)
    }

    mutating func resetShortTermBounds() {
        shortTermBandwidth = .infinity
        shortTermInFlight = .infinity
    }
}
