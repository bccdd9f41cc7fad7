/// BBR version 3, after draft-ietf-ccwg-bbr-06: it models the path by its largest delivery rate and its least
/// round-trip time, sends at that rate, and keeps about one bandwidth-delay product in flight.
///
/// ```
/// startup ─▶ drain ─▶ down ─▶ cruise ─▶ refill ─▶ up ─▶ down …       the pipe was filled
///    ▲                          ▲
///    └──── probeRoundTrip ──────┘     entered from any state 5 s after the least round-trip time was last seen
/// ```
///
/// It differs from the draft in what it takes from a loss. The draft cannot tell a full queue from a radio that loses
/// packets, and with 1 % of random losses it leaves a quarter of the path unused. Here a round has a queue if its least
/// round-trip time is above 1.1 × the path's + 1 ms. In rounds without one the short-term bounds do not hold, and a
/// probe goes too high at 10 % of losses rather than 2 %.
///
/// Rates are bytes per second, volumes bytes. A value has a fixed size and allocates nothing.
package struct Bbr: CongestionController {
    enum State: Equatable, Sendable {
        case startup, drain
        /// The states of ProbeBW: the rate is a little lower, the same, the same without short-term bounds, and higher.
        case down, cruise, refill, up
        /// ProbeRTT.
        case probeRoundTrip
    }

    /// What acknowledgments say about a probe for bandwidth.
    enum AcknowledgmentPhase: Sendable { case none, refilling, starting, feedback, stopping }

    /// The parameters of section 2.
    static let startupPacingGain = 2.77
    static let drainPacingGain = 0.5
    static let downPacingGain = 0.9
    static let upPacingGain = 1.25
    static let windowGain = 2.0
    static let upWindowGain = 2.25
    static let probeRoundTripWindowGain = 0.5
    /// 1 % below the path's rate, so that queues go away.
    static let pacingMargin = 0.99
    static let beta = 0.7
    static let headroom = 0.15
    /// Full datagrams at first: RFC 9002, section 7.2.
    static let initialDatagrams = 10
    static let minimumDatagrams = 4
    /// More packets cannot be outstanding.
    static let maximumDatagrams = 65_536
    /// Losses that a probe may cause, with a queue and without: the share of what was in flight.
    static let lossThreshold = 0.02
    static let lossThresholdWithoutQueue = 0.1
    /// The round-trip time from which on a round has a queue: a multiple of the path's, and nanoseconds more.
    static let queueFactor = 1.1
    static let queueOffset = 1_000_000.0

    // The model.
    var state = State.startup
    var maximum = BandwidthFilter()
    var roundTrip = MinimumRoundTrip()
    var aggregation = AcknowledgmentAggregation()
    var pipe = PipeEstimator()
    var queue = QueueDetector()
    var baseLoss = BaseLoss()
    /// The short-term bounds and the long-term one; infinite without one.
    var shortTermBandwidth = Double.infinity
    var shortTermInFlight = Double.infinity
    var longTermInFlight = Double.infinity

    // Rounds.
    /// Bytes that were acknowledged, and as many when the last update ended.
    var delivered: UInt64 = 0
    var deliveredBefore: UInt64 = 0
    var roundEnd: UInt64 = 0
    var roundCount: UInt64 = 0
    var startsRound = false
    var drainStart: UInt64 = 0
    /// Rounds of losses: they begin anew with the first loss of a round.
    var lossRound = LossRound()
    var rateDrop = RateDropDetector()

    // The cycle of ProbeBW.
    var cycle = ProbeCycle()
    var random = ProbeRandom()
    /// When ProbeRTT ends; nil until little enough is in flight.
    var probeRoundTripEnd: Instant?
    var hasProbedRound = false

    // Recovery.
    var recovery = LossEpisode()
    /// Losses say that the probe has gone too high; the state changes with the next update.
    var mustEndProbe = false

    // Control.
    var congestionWindow: Double
    /// The last good one before losses or ProbeRTT.
    var priorWindow = 0.0
    /// 0 before the first sample.
    var pacing = 0.0
    var isRestarting = false

    package var datagramSize: Int {
        didSet { clampWindow() }
    }

    package init(datagramSize: Int) {
        self.datagramSize = datagramSize
        congestionWindow = Double(Self.initialDatagrams * datagramSize)
    }

    package var window: Int { Int(congestionWindow) }
    package var holdsBack: Bool { state == .probeRoundTrip }

    package func pacingRate(_ time: RoundTripTime) -> Double {
        if pacing > 0 { return pacing }
        // Without a measurement the first window goes out at once, as within 1 ms.
        let nanoseconds = time.latest == nil ? 1e6 : Double(time.smoothed)
        return Self.startupPacingGain * congestionWindow * 1e9 / nanoseconds
    }

    // MARK: Packets

    package mutating func sent(inFlight: Int, now: Instant) {
        if inFlight == 0 { restart(now: now) }
    }

    package mutating func acknowledged(bytes: Int, sentAt: Instant) { delivered += UInt64(bytes) }

    package mutating func lost(_ packet: PacketHistory) { noteLoss(packet) }

    package mutating func acknowledgedAfterLoss(sentAt: Instant) { recovery.wasLate(sentAt: sentAt) }

    package mutating func update(_ sample: CongestionSample) {
        if recovery.isSpurious { undoLosses(sample) }
        if mustEndProbe {
            mustEndProbe = false
            if state == .up { beginDown(now: sample.now) }
        }
        recovery.begin(now: sample.now)
        if let newest = sample.newest {
            updateModel(sample, newest)
            updatePacing(gain: pacingGain)
            updateWindow(newlyAcknowledged: Double(delivered - deliveredBefore))
            deliveredBefore = delivered
        }
        if sample.isPersistent { collapse(inFlight: sample.inFlight) }
    }

    /// Section 5.2.3.
    private mutating func updateModel(_ sample: CongestionSample, _ newest: PacketHistory) {
        random.seedIfNeeded(sample.now)
        updateRounds(sample, newest)
        aggregation.update(
            newlyAcknowledged: Double(delivered - deliveredBefore),
            bandwidth: bandwidth,
            window: congestionWindow,
            round: roundCount,
            isShort: !pipe.wasFilled,
            now: sample.now
        )
        if startsRound, let rate = sample.rate, !newest.isApplicationLimited {
            pipe.update(rate: rate.bytesPerSecond)
        }
        checkStartup(newest)
        checkDrain(sample)
        updateCycle(sample, newest)
        roundTrip.update(latest: sample.latest, now: sample.now)
        updateProbeRoundTrip(sample)
        lossRound.advance(rate: sample.rate?.bytesPerSecond ?? 0, delivered: Double(delivered - newest.priorDelivered))
    }
}
