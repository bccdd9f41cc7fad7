/// ProbeRTT: section 5.3.4 of the draft.
extension Bbr {
    mutating func updateProbeRoundTrip(_ sample: CongestionSample) {
        if state != .probeRoundTrip, roundTrip.isProbeDue, !isRestarting {
            saveWindow()
            state = .probeRoundTrip
            probeRoundTripEnd = nil
            cycle.phase = .stopping
            startRound()
        }
        if state == .probeRoundTrip { probeRoundTrip(sample) }
        if delivered > deliveredBefore { isRestarting = false }
    }

    private mutating func probeRoundTrip(_ sample: CongestionSample) {
        guard probeRoundTripEnd != nil else {
            guard Double(sample.inFlight) <= probeRoundTripWindow else { return }
            probeRoundTripEnd = sample.now + MinimumRoundTrip.probeDuration
            hasProbedRound = false
            startRound()
            return
        }
        if startsRound { hasProbedRound = true }
        if hasProbedRound { endProbeRoundTrip(now: sample.now) }
    }

    private mutating func endProbeRoundTrip(now: Instant) {
        guard let end = probeRoundTripEnd, now > end else { return }
        roundTrip.wasProbed(now: now)
        congestionWindow = max(congestionWindow, priorWindow)
        resetShortTermBounds()
        if pipe.wasFilled {
            beginDown(now: now)
            // Less than the path holds is in flight.
            beginCruise(now: now)
        } else {
            state = .startup
        }
    }

    /// Something is sent after nothing was in flight: section 5.4.1.
    mutating func restart(now: Instant) {
        isRestarting = true
        aggregation.restart(now: now)
        if isInCycle {
            updatePacing(gain: 1)
        } else if state == .probeRoundTrip {
            endProbeRoundTrip(now: now)
        }
    }
}
