/// The cycle of ProbeBW: section 5.3.3 of the draft.
extension Bbr {
    // MARK: States

    mutating func beginDown(now: Instant) {
        lossRound.reset()
        cycle.bytesPerIncrease = .infinity
        cycle.roundsSinceProbe = random.bit()
        cycle.wait = Int64((ProbeCycle.wait + random.share()) * 1e9)
        cycle.start = now
        cycle.phase = .stopping
        startRound()
        state = .down
    }

    mutating func beginCruise(now: Instant) {
        cycle.beginCruise(now: now)
        state = .cruise
    }

    mutating func beginRefill() {
        cycle.endCruise()
        resetShortTermBounds()
        cycle.rounds = 0
        cycle.acknowledged = 0
        cycle.wasPrecautionary = false
        cycle.phase = .refilling
        startRound()
        state = .refill
    }

    private mutating func beginUp(rate: Double) {
        cycle.isSample = true
        cycle.phase = .starting
        startRound()
        pipe.reset(rate: rate)
        state = .up
        steepen()
    }

    // MARK: Transitions

    mutating func updateCycle(_ sample: CongestionSample, _ newest: PacketHistory) {
        guard pipe.wasFilled, !adaptLongTermBound(sample, newest) else { return }
        let rate = sample.rate?.bytesPerSecond ?? 0
        switch state {
        case .startup, .drain, .probeRoundTrip: break
        case .down:
            if isTimeToProbe(now: sample.now) {
                beginRefill()
            } else if isTimeToCruise(inFlight: Double(sample.inFlight)) {
                beginCruise(now: sample.now)
            }
        case .cruise: if isTimeToProbe(now: sample.now) { beginRefill() }
        case .refill: if startsRound { beginUp(rate: rate) }
        case .up:
            if isTimeToGoDown(sample, rate: rate) {
                // No high loss so far.
                cycle.wasTooHigh = false
                beginDown(now: sample.now)
            }
        }
    }

    private func isTimeToProbe(now: Instant) -> Bool {
        if now > cycle.start + cycle.wait { return true }
        let datagrams = min(bandwidthDelayProduct(1), congestionWindow) / Double(datagramSize)
        return Double(cycle.roundsSinceProbe) >= min(datagrams, ProbeCycle.mostRounds)
    }

    private func isTimeToCruise(inFlight: Double) -> Bool {
        inFlight <= inFlightWithHeadroom && inFlight <= quantized(maximum.bandwidth * minimumSeconds)
    }

    private mutating func isTimeToGoDown(_ sample: CongestionSample, rate: Double) -> Bool {
        if cycle.wasTooHigh, Double(sample.inFlight) >= longTermInFlight {
            cycle.wasPrecautionary = true
            return true
        }
        if isWindowLimited(sample), congestionWindow >= longTermInFlight {
            // The bound hides the path's rate.
            pipe.reset(rate: rate)
            return false
        }
        return pipe.isFull
    }

    private func isWindowLimited(_ sample: CongestionSample) -> Bool { sample.mostInFlight + datagramSize > window }

    // MARK: The long-term bound

    /// - Returns: whether the state has changed.
    private mutating func adaptLongTermBound(_ sample: CongestionSample, _ newest: PacketHistory) -> Bool {
        if startsRound {
            switch cycle.phase {
            case .starting: cycle.phase = .feedback
            case .stopping:
                cycle.isSample = false
                cycle.phase = .none
                guard isInCycle else { break }
                if !newest.isApplicationLimited { maximum.advance() }
                if cycle.wasPrecautionary, !cycle.wasTooHigh {
                    beginRefill()
                    return true
                }
            case .none, .refilling, .feedback: break
            }
        }
        guard longTermInFlight < .infinity, !isTooHigh(lost: newest.lost, inFlight: newest.inFlight) else {
            return false
        }
        longTermInFlight = max(longTermInFlight, Double(newest.inFlight))
        if state == .up { raiseLongTermBound(sample) }
        return false
    }

    private mutating func raiseLongTermBound(_ sample: CongestionSample) {
        guard isWindowLimited(sample), congestionWindow >= longTermInFlight else { return }
        cycle.acknowledged += Double(delivered - deliveredBefore)
        if cycle.acknowledged >= cycle.bytesPerIncrease {
            let steps = (cycle.acknowledged / cycle.bytesPerIncrease).rounded(.down)
            cycle.acknowledged -= steps * cycle.bytesPerIncrease
            longTermInFlight += steps * Double(datagramSize)
        }
        if startsRound { steepen() }
    }

    /// In each round the bound grows by twice as much.
    private mutating func steepen() {
        let growth = Double(UInt64(1) << UInt64(cycle.rounds))
        cycle.rounds = min(cycle.rounds + 1, 30)
        cycle.bytesPerIncrease = max(congestionWindow / growth, Double(datagramSize))
    }
}
