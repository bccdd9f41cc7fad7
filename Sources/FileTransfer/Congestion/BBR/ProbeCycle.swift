/// Where the cycle of probes for bandwidth is: section 2.14 of the draft.
struct ProbeCycle: Sendable {
    /// Rounds after which the flow probes as soon as Reno would have, at most.
    static let mostRounds = 63.0
    /// Seconds from probe to probe; up to one more is added at random.
    static let wait = 2.0

    var phase = Bbr.AcknowledgmentPhase.none
    /// Whether the packets that ACKs concern were sent by a probe that has not gone too high.
    var isSample = false
    var start = Instant(nanoseconds: 0)
    /// Nanoseconds.
    var wait: Int64 = 0
    var roundsSinceProbe: UInt64 = 0
    /// The long-term bound grows by a datagram for so many acknowledged bytes.
    var bytesPerIncrease = Double.infinity
    var acknowledged = 0.0
    /// Rounds in which the long-term bound has grown.
    var rounds = 0
    /// The last probe caused too many losses, and the one after it stopped before it could.
    var wasTooHigh = false
    var wasPrecautionary = false
    /// Whether packets were lost while the flow cruised, in this cycle and in the one before: then others may use the
    /// path.
    private var hasLoss = false
    private var hadLoss = true
    private var cruiseStart = Instant(nanoseconds: .max)

    var isAlone: Bool { !hasLoss && !hadLoss }

    mutating func beginCruise(now: Instant) { cruiseStart = now }

    /// A packet is lost. Those of the probe before do not count.
    mutating func lost(sentAt: Instant) { if sentAt > cruiseStart { hasLoss = true } }

    mutating func endCruise() {
        guard cruiseStart.nanoseconds < .max else { return }
        cruiseStart = Instant(nanoseconds: .max)
        hadLoss = hasLoss
        hasLoss = false
    }
}

/// The random numbers of the probes' times: flows that share a bottleneck must not probe at once. SplitMix64.
struct ProbeRandom: Sendable {
    private var word: UInt64 = 0

    /// The time of the first ACK is random enough.
    mutating func seedIfNeeded(_ now: Instant) {
        if word == 0 { word = UInt64(bitPattern: now.nanoseconds) | 1 }
    }

    private mutating func next() -> UInt64 {
        word &+= 0x9e37_79b9_7f4a_7c15
        var mixed = word
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }
    mutating func bit() -> UInt64 { next() >> 63 }
}
