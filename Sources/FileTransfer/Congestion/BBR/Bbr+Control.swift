/// The window and the rate that follow from the model: section 5.6 of the draft.
extension Bbr {
    var pacingGain: Double {
        switch state {
        case .startup: Self.startupPacingGain
        case .drain: Self.drainPacingGain
        case .down: Self.downPacingGain
        case .up: Self.upPacingGain
        case .cruise, .refill, .probeRoundTrip: 1
        }
    }

    private var gain: Double {
        switch state {
        case .up: Self.upWindowGain
        case .probeRoundTrip: Self.probeRoundTripWindowGain
        default: Self.windowGain
        }
    }

    private var leastWindow: Double { Double(Self.minimumDatagrams * datagramSize) }

    var minimumSeconds: Double { Double(roundTrip.minimum ?? 0) / 1e9 }

    /// A multiple of what the path holds; of the first window before the first measurement.
    func bandwidthDelayProduct(_ gain: Double) -> Double {
        guard roundTrip.minimum != nil else { return Double(Self.initialDatagrams * datagramSize) }
        return gain * bandwidth * minimumSeconds
    }

    /// As much as keeps both ends busy that send and acknowledge in bursts.
    func quantized(_ volume: Double) -> Double {
        let least = max(Pacer.burst(pacing / 1e9, datagramSize), leastWindow)
        return max(volume, least) + (state == .up ? Double(2 * datagramSize) : 0)
    }

    func targetInFlight(_ gain: Double) -> Double { quantized(bandwidthDelayProduct(gain)) }

    var inFlightWithHeadroom: Double {
        guard longTermInFlight < .infinity else { return .infinity }
        let headroom = max(Double(datagramSize), Self.headroom * longTermInFlight)
        let least = cycle.isAlone ? min(bandwidthDelayProduct(1), longTermInFlight) : 0
        return max(longTermInFlight - headroom, least, leastWindow)
    }

    var probeRoundTripWindow: Double {
        max(bandwidthDelayProduct(Self.probeRoundTripWindowGain), leastWindow)
    }

    mutating func updatePacing(gain: Double) {
        let rate = gain * bandwidth * Self.pacingMargin
        // In startup a sample that is lower says little.
        if rate > 0, pipe.wasFilled || rate > pacing { pacing = rate }
    }

    mutating func updateWindow(newlyAcknowledged: Double) {
        let most = quantized(bandwidthDelayProduct(gain) + aggregation.extra)
        if pipe.wasFilled {
            congestionWindow = min(congestionWindow + newlyAcknowledged, most)
        } else if congestionWindow < most || delivered < UInt64(Self.initialDatagrams * datagramSize) {
            congestionWindow += newlyAcknowledged
        }
        if state == .probeRoundTrip { congestionWindow = min(congestionWindow, probeRoundTripWindow) }
        congestionWindow = min(congestionWindow, max(volumeCap, leastWindow))
        clampWindow()
    }

    private var volumeCap: Double {
        let cap =
            switch state {
            case .down, .refill, .up: longTermInFlight
            case .cruise, .probeRoundTrip: inFlightWithHeadroom
            case .startup, .drain: Double.infinity
            }
        return min(cap, shortTermInFlight)
    }

    mutating func clampWindow() {
        congestionWindow = min(max(congestionWindow, leastWindow), Double(Self.maximumDatagrams * datagramSize))
    }
}
