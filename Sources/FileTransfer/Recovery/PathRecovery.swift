/// The state of one path: its round-trip time, what is in flight, timers, and its congestion control.
///
/// Only packets that were sent later on the same path make a packet lost. They are compared by a number of their own,
/// because packet numbers are shared by all paths.
package struct PathRecovery<Controller: CongestionController>: Sendable {
    package private(set) var time = RoundTripTime()
    package private(set) var controller: Controller
    package var pacer: Pacer
    /// Bytes.
    package private(set) var inFlight = 0
    /// Packets in flight that elicit an ACK.
    private var eliciting = 0

    private var reordering = ReorderingThreshold()
    private var persistence = PersistentCongestion()
    var blackHole = BlackHole()
    private(set) var delivery = DeliveryRate()
    private var firstMeasured: Instant?

    private var nextSequence: UInt32 = 0
    private var largestAcknowledged: UInt32?
    private var lastElicitingAt = Instant(nanoseconds: 0)
    /// Probe timeouts without an acknowledgment since.
    private(set) var probes = 0
    /// When the oldest packet is lost that is older than an acknowledged one.
    private var lossDeadline: Instant?

    /// A round ends when this packet or a later one is acknowledged.
    private var roundEnd: UInt32 = 0
    private var mostInRound = 0
    private var mostInPreviousRound = 0

    /// Of the ACK that is being processed. The number of the packet that was sent last:
    private(set) var newest: UInt64?
    private var sample: Int64?
    private var hasEliciting = false
    private var mustUpdate = false

    init(_ controller: Controller) {
        self.controller = controller
        pacer = Pacer(bytesPerSecond: controller.pacingRate(time), datagramSize: controller.datagramSize)
    }

    /// Bytes of a full datagram.
    package var datagramSize: Int {
        get { controller.datagramSize }
        set { controller.datagramSize = newValue }
    }

    /// How many packets later one must be acknowledged before a packet is lost.
    package var packetThreshold: Int { Int(reordering.packets) }
    /// Bytes delivered since the path began.
    package var delivered: UInt64 { delivery.delivered }

    // MARK: Sending

    /// Makes the record of a packet that goes out now.
    @inline(__always)
    mutating func send(
        _ frame: SentFrame,
        size: Int,
        path: UInt8,
        as counting: SentCounting,
        now: Instant
    ) -> SentPacket {
        // No datagram is longer; the same number must be subtracted later.
        let stored = UInt16(clamping: size)
        let size = Int(stored)
        var flags: SentPacket.Flags = []
        let elicits = frame.type.elicitsAcknowledgment && counting == .full
        // PAD elicits nothing but fills the path; ACK and CLOSE are not limited.
        let counts = elicits || frame.type == .pad || counting == .sizeProbe
        if counting == .sizeProbe { flags.insert(.sizeProbe) }
        let snapshot = delivery.sent(inFlight: inFlight, size: counts ? size : 0, now: now)
        if delivery.isApplicationLimited { flags.insert(.applicationLimited) }
        if counts {
            flags.insert(.inFlight)
            controller.sent(inFlight: inFlight, now: now)
            inFlight += size
            if inFlight > mostInRound { mostInRound = inFlight }
            pacer.sent(bytes: size)
        }
        if elicits {
            flags.insert(.elicits)
            eliciting += 1
            lastElicitingAt = now
        }
        let sequence = nextSequence
        nextSequence &+= 1
        return SentPacket(
            sentAt: now,
            delivery: snapshot,
            frame: frame,
            sequence: sequence,
            size: stored,
            path: path,
            flags: flags
        )
    }

    mutating func applicationLimited() { delivery.applicationLimited(inFlight: inFlight) }

    // MARK: Acknowledgment

    @inline(__always)
    mutating func acknowledged(_ packet: SentPacket, number: UInt64, isLargest: Bool, now: Instant) {
        leave(packet)
        if packet.flags.contains(.inFlight) {
            let size = Int(packet.size)
            delivery.acknowledged(bytes: size, now: now)
            controller.acknowledged(bytes: size, sentAt: packet.sentAt)
            if size > PathMTU.base { blackHole.acknowledged(sequence: packet.sequence) }
        }
        if packet.flags.contains(.elicits) { hasEliciting = true }
        if isLargest { sample = now - packet.sentAt }
        if newest.map({ number > $0 }) ?? true { newest = number }
        mustUpdate = true
    }

    mutating func acknowledgedAfterLoss(_ packet: SentPacket) {
        if Int(packet.size) > PathMTU.base { blackHole.acknowledged(sequence: packet.sequence) }
        if packet.flags.contains(.sizeProbe) { return }
        if packet.flags.contains(.inFlight) { controller.acknowledgedAfterLoss(sentAt: packet.sentAt) }
        persistence.wasSpurious()
        // A path has lost packets only after it had an acknowledged one.
        let largest = largestAcknowledged ?? packet.sequence
        if Self.isLater(largest, than: packet.sequence) {
            reordering.wasSpurious(
                byTime: packet.flags.contains(.lostByTime),
                distance: largest &- packet.sequence
            )
        }
        mustUpdate = true
    }

    /// All packets of an ACK were processed; `newest` is the one of them that was sent last. Losses come next, then
    /// ``update(newest:now:)``.
    mutating func endAcknowledgment(newest: SentPacket, delay: Int64, now: Instant) {
        probes = 0
        if largestAcknowledged.map({ Self.isLater(newest.sequence, than: $0) }) ?? true {
            largestAcknowledged = newest.sequence
        }
        // An ACK of nothing that elicits one may have been kept for any time.
        guard let sample, hasEliciting else {
            self.sample = nil
            return
        }
        time.add(sample, delay: delay)
        if firstMeasured == nil { firstMeasured = now }
    }

    private mutating func leave(_ packet: SentPacket) {
        if packet.flags.contains(.inFlight) { inFlight -= Int(packet.size) }
        if packet.flags.contains(.elicits) { eliciting -= 1 }
    }

    // MARK: Loss

    enum Verdict { case kept, lost(byTime: Bool) }

    mutating func beginLossDetection() { lossDeadline = nil }

    /// Judges an outstanding packet of the path. They come in the order in which they were sent, and the first one that
    /// is kept is the last one that must be judged.
    mutating func judge(_ packet: SentPacket, now: Instant) -> Verdict {
        guard let largestAcknowledged, Self.isLater(largestAcknowledged, than: packet.sequence) else { return .kept }
        if largestAcknowledged &- packet.sequence >= reordering.packets { return .lost(byTime: false) }
        let deadline = packet.sentAt + reordering.lossDelay(time)
        if deadline <= now { return .lost(byTime: true) }
        lossDeadline = deadline
        return .kept
    }

    mutating func lost(_ packet: SentPacket, now: Instant) {
        leave(packet)
        mustUpdate = true
        if packet.flags.contains(.sizeProbe) { return }
        persistence.lost(packet, measured: firstMeasured)
        if packet.flags.contains(.inFlight) {
            delivery.lost(bytes: Int(packet.size))
            controller.lost(delivery.history(of: packet))
            if Int(packet.size) > PathMTU.base {
                blackHole.lost(sequence: packet.sequence, sentAt: packet.sentAt, now: now)
            }
        }
    }

    /// Ends the processing of an ACK or a timer. `newest`: the packet with the number ``newest``.
    mutating func update(newest: SentPacket?, now: Instant) {
        guard mustUpdate else { return }
        var startsRound = false
        var rate: RateSample?
        if let newest {
            rate = delivery.sample(newest: newest, minimum: time.minimum)
            if !Self.isLater(roundEnd, than: newest.sequence) {
                startsRound = true
                roundEnd = nextSequence
            }
        }
        let isPersistent = persistence.take(time)
        if isPersistent { time.resetMinimum() }
        controller.update(
            CongestionSample(
                now: now,
                time: time,
                latest: sample,
                rate: rate,
                startsRound: startsRound,
                mostInFlight: max(mostInRound, mostInPreviousRound),
                isPersistent: isPersistent,
                inFlight: inFlight,
                newest: newest.map { delivery.history(of: $0) }
            )
        )
        if controller.holdsBack { applicationLimited() }
        if startsRound {
            mostInPreviousRound = mostInRound
            mostInRound = inFlight
        }
        pacer.setRate(
            bytesPerSecond: controller.pacingRate(time),
            datagramSize: controller.datagramSize,
            now: now
        )
        self.newest = nil
        sample = nil
        hasEliciting = false
        mustUpdate = false
    }

    /// Nanoseconds after its sending for which a lost packet is remembered.
    var lossMemory: Int64 { 2 * time.probeBasis }

    // MARK: Timers

    var hasLossDeadline: Bool { lossDeadline != nil }

    /// The earlier one of loss detection and probe timeout; nil without packets that elicit an ACK.
    var deadline: Instant? {
        if let lossDeadline { return lossDeadline }
        guard eliciting > 0 else { return nil }
        // Sessions end before the backoff is that long.
        return lastElicitingAt + time.probeTimeout << min(Int64(probes), 12)
    }

    mutating func probeTimedOut() { probes += 1 }

    /// Whether one packet of the path was sent after another.
    private static func isLater(_ one: UInt32, than other: UInt32) -> Bool { Int32(bitPattern: one &- other) > 0 }
}
