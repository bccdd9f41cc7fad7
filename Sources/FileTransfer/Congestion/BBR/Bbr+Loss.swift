/// What losses change at once: section 5.5.10.2 of the draft.
extension Bbr {
    mutating func noteLoss(_ packet: PacketHistory) {
        cycle.lost(sentAt: packet.sentAt)
        baseLoss.lost(bytes: packet.size)
        if lossRound.lost(packet, delivered: delivered) { saveWindow() }
        let begins = recovery.lost(
            sentAt: packet.sentAt,
            LossEpisode.Saved(
                shortTermBandwidth: shortTermBandwidth,
                shortTermInFlight: shortTermInFlight,
                longTermInFlight: longTermInFlight
            )
        )
        if begins { saveWindow() }
        guard cycle.isSample, isTooHigh(lost: packet.lost, inFlight: packet.inFlight) else { return }
        probeWasTooHigh(packet)
    }

    private mutating func probeWasTooHigh(_ packet: PacketHistory) {
        cycle.wasTooHigh = true
        // Only one reaction to a probe.
        cycle.isSample = false
        if !packet.isApplicationLimited {
            let target = min(bandwidthDelayProduct(1), congestionWindow)
            longTermInFlight = max(inFlightAtLoss(packet), target * Self.beta)
        }
        if state == .up {
            recovery.endedState = .up
            mustEndProbe = true
        }
    }

    /// What was in flight when the losses passed the threshold, maybe in the middle of this packet.
    private func inFlightAtLoss(_ packet: PacketHistory) -> Double {
        let threshold = lossThreshold
        let before = Double(packet.inFlight - packet.size)
        let lostBefore = Double(packet.lost - packet.size)
        return before + (threshold * before - lostBefore) / (1 - threshold)
    }

    /// All packets of an episode were late: section 5.5.11.2.
    mutating func undoLosses(_ sample: CongestionSample) {
        guard let saved = recovery.saved else { return }
        congestionWindow = max(congestionWindow, priorWindow)
        lossRound.clearLoss()
        pipe.reset()
        shortTermBandwidth = max(shortTermBandwidth, saved.shortTermBandwidth)
        shortTermInFlight = max(shortTermInFlight, saved.shortTermInFlight)
        longTermInFlight = max(longTermInFlight, saved.longTermInFlight)
        switch recovery.endedState {
        case .startup where state != .startup:
            pipe.wasFilled = false
            if state != .probeRoundTrip { state = .startup }
        case .up where state != .up && state != .probeRoundTrip: beginRefill()
        default: break
        }
        recovery.wasUndone()
    }

    /// Persistent congestion: RFC 9002, section 7.6. The window grows again by what is acknowledged, and is restored
    /// when a packet arrives that was sent from now on.
    mutating func collapse(inFlight: Int) {
        saveWindow()
        congestionWindow = Double(inFlight + datagramSize)
        clampWindow()
    }

    /// Remembers the window before it shrinks.
    mutating func saveWindow() {
        let isReduced = recovery.isActive || state == .probeRoundTrip
        priorWindow = isReduced ? max(priorWindow, congestionWindow) : congestionWindow
    }
}
