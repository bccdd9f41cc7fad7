/// CUBIC: RFC 9438, with fast convergence, HyStart++ in the first slow start, and the return to the old window when all
/// losses of a congestion event turn out to be late packets (section 4.9.2).
///
/// Windows are bytes. `C` and `W` of the document are in full datagrams and seconds, so both are converted.
package struct Cubic: CongestionController {
    static let beta = 0.7
    static let c = 0.4
    /// Of the Reno-friendly region: 3 × (1 − β) ÷ (1 + β).
    static let alpha = 3 * (1 - beta) / (1 + beta)
    /// Full datagrams at first, and at least: RFC 9002, section 7.2.
    static let initialDatagrams = 10
    static let minimumDatagrams = 2
    /// More packets cannot be outstanding.
    static let maximumDatagrams = 65_536
    static let pacingGain = 1.25
    static let slowStartPacingGain = 2.0

    /// What a congestion event changes.
    private struct State {
        var window: Double
        var slowStartThreshold = Double.infinity
        /// The window before the last reduction.
        var prior = 0.0
        /// W_max.
        var maximum = 0.0
        /// Seconds from the start of congestion avoidance until the window reaches `maximum`.
        var k = 0.0
        /// When congestion avoidance started, moved forward by the time in which the window was not used up; nil until
        /// the first ACK.
        var epoch: Instant?
        /// W_est: the window of Reno.
        var reno = 0.0
        /// Whether the last event was a loss, so that `maximum` counts.
        var hasMaximum = false
        /// Packets sent up to then are of the congestion event before it.
        var recoveryStart: Instant?
    }

    private var state: State
    private var hyStart: HyStart?
    /// Of the last congestion event: the state before it, its lost packets, and those of them that were late only.
    private var undo: State?
    private var eventLosses = 0
    private var eventLate = 0
    /// Since the last update.
    private var acknowledgedBytes = 0
    private var newLosses = 0
    private var mustUndo = false
    private var lastUpdate: Instant?

    package var datagramSize: Int {
        didSet {
            // Nothing is known of the path yet: RFC 9002, section 7.2.
            if state.slowStartThreshold == .infinity, datagramSize > oldValue {
                state.window = max(state.window, Double(Self.initialDatagrams * datagramSize))
            }
            clampWindow()
        }
    }

    package init(datagramSize: Int) {
        self.datagramSize = datagramSize
        state = State(window: Double(Self.initialDatagrams * datagramSize))
        hyStart = HyStart()
    }

    package var window: Int { Int(state.window) }
    package var isInSlowStart: Bool { state.window < state.slowStartThreshold }
    /// Bytes; infinite before the first slow start ends.
    package var slowStartThreshold: Double { state.slowStartThreshold }

    package func pacingRate(_ time: RoundTripTime) -> Double {
        let gain = isInSlowStart ? Self.slowStartPacingGain : Self.pacingGain
        return gain * state.window * 1e9 / Double(time.smoothed)
    }

    // MARK: Packets

    package mutating func sent(inFlight: Int, now: Instant) {
        guard inFlight == 0, let epoch = state.epoch, let lastUpdate else { return }
        // While nothing was in flight, the window could not grow.
        state.epoch = epoch + max(0, now - lastUpdate)
        self.lastUpdate = now
    }

    package mutating func acknowledged(bytes: Int, sentAt: Instant) {
        if !isRecovering(sentAt) { acknowledgedBytes += bytes }
    }

    package mutating func lost(_ packet: PacketHistory) {
        if isRecovering(packet.sentAt) { eventLosses += 1 } else { newLosses += 1 }
    }

    package mutating func acknowledgedAfterLoss(sentAt: Instant) {
        guard let undo, isRecovering(sentAt) else { return }
        // A loss of an earlier event.
        if let earlier = undo.recoveryStart, sentAt <= earlier { return }
        eventLate += 1
        mustUndo = eventLate == eventLosses
    }

    /// Whether a packet was sent before the last reduction took effect.
    private func isRecovering(_ sentAt: Instant) -> Bool {
        guard let start = state.recoveryStart else { return false }
        return sentAt <= start
    }

    package mutating func update(_ sample: CongestionSample) {
        defer {
            acknowledgedBytes = 0
            newLosses = 0
            lastUpdate = sample.now
        }
        if mustUndo { restore() }
        if newLosses > 0 {
            reduce(now: sample.now)
        } else if acknowledgedBytes > 0 {
            grow(sample)
        }
        if sample.isPersistent { collapse() }
        clampWindow()
    }

    // MARK: Reduction

    private mutating func reduce(now: Instant) {
        undo = state
        eventLosses = newLosses
        eventLate = 0
        hyStart = nil
        let window = state.window
        // Fast convergence: the path has less room than at the last event, so leave some to others.
        state.maximum = window < state.maximum ? window * (1 + Self.beta) / 2 : window
        state.prior = window
        state.slowStartThreshold = max(window * Self.beta, Double(Self.minimumDatagrams * datagramSize))
        state.window = state.slowStartThreshold
        state.hasMaximum = true
        state.epoch = nil
        state.recoveryStart = now
    }

    /// Persistent congestion: RFC 9002, section 7.6.2, and RFC 9438, section 4.8. Unlike the former's pseudocode it
    /// keeps the start of recovery: a last old packet that is lost must not reduce the threshold once more.
    private mutating func collapse() {
        undo = nil
        state.window = Double(Self.minimumDatagrams * datagramSize)
        state.hasMaximum = false
        state.epoch = nil
    }

    private mutating func restore() {
        mustUndo = false
        guard let old = undo else { return }
        undo = nil
        if state.window < state.prior { state = old }
    }

    // MARK: Growth

    private mutating func grow(_ sample: CongestionSample) {
        let isSlow = isInSlowStart
        if isSlow, var hyStart {
            let ends = hyStart.update(latest: sample.latest, startsRound: sample.startsRound)
            self.hyStart = ends ? nil : hyStart
            if ends {
                state.slowStartThreshold = state.window
                return
            }
        }
        guard isWindowLimited(sample, isSlow: isSlow) else {
            if let epoch = state.epoch, let lastUpdate { state.epoch = epoch + max(0, sample.now - lastUpdate) }
            return
        }
        if isSlow {
            let divisor = hyStart?.isConservative == true ? HyStart.growthDivisor : 1
            state.window += Double(acknowledgedBytes) / divisor
        } else {
            avoidCongestion(sample)
        }
    }

    /// A window that is not used says nothing about the path, and must not grow: RFC 9002, section 7.8.
    private func isWindowLimited(_ sample: CongestionSample, isSlow: Bool) -> Bool {
        // A doubling window is not full while it doubles. Otherwise the last packets may not have fit.
        if isSlow { return state.window < 2 * Double(sample.mostInFlight) }
        let slack = max(3 * datagramSize, window / 8)
        return sample.mostInFlight + slack >= window
    }

    private mutating func avoidCongestion(_ sample: CongestionSample) {
        let epoch = state.epoch ?? beginEpoch(now: sample.now)
        let size = Double(datagramSize)
        let elapsed = Double(sample.now - epoch) / 1e9
        let segments = Double(acknowledgedBytes)
        let alpha = state.reno >= state.prior ? 1 : Self.alpha
        state.reno += alpha * size * segments / state.window
        if cubic(elapsed) < state.reno {
            state.window = max(state.window, state.reno)
            return
        }
        let target = min(max(cubic(elapsed + Double(sample.time.smoothed) / 1e9), state.window), 1.5 * state.window)
        state.window += (target - state.window) * segments / state.window
    }

    /// W_cubic, in bytes.
    private func cubic(_ seconds: Double) -> Double {
        let distance = seconds - state.k
        return Self.c * distance * distance * distance * Double(datagramSize) + state.maximum
    }

    private mutating func beginEpoch(now: Instant) -> Instant {
        if !state.hasMaximum {
            // After HyStart++ or persistent congestion nothing is known of the path's room.
            state.maximum = state.window
            state.prior = state.window
        }
        let room = (state.maximum - state.window) / Double(datagramSize)
        state.k = room > 0 ? Self.cubeRoot(room / Self.c) : 0
        state.reno = state.window
        state.epoch = now
        return now
    }

    private mutating func clampWindow() {
        state.window = min(
            max(state.window, Double(Self.minimumDatagrams * datagramSize)),
            Double(Self.maximumDatagrams * datagramSize)
        )
    }

    /// By Newton's method; the standard library has none. `x` is positive.
    static func cubeRoot(_ x: Double) -> Double {
        var root = Double(sign: .plus, exponent: x.exponent / 3, significand: 1)
        // From within a factor of two to all digits.
        for _ in 0..<8 { root -= (root - x / (root * root)) / 3 }
        return root
    }
}
