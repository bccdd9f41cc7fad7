@testable import FileTransfer

/// One end of a session that sends numbered frames until all are acknowledged. What must always hold is checked as it
/// goes; the first violation is kept.
struct SimulatedEnd: ~Copyable {
    static let size = 1_472
    static let payload = 1_420

    /// What became of the frames.
    struct Frames: SentFrameHandler {
        enum Fate { case none, acknowledged, lost, late }

        /// Of packets, by number.
        var fates: [Fate] = []
        /// By their number: whether the peer has them.
        var isAcknowledged: [Bool]
        /// Frames to send again.
        var again: [UInt64] = []
        var acknowledgedFrames = 0
        /// The highest number that an acknowledged ACK named.
        var known: UInt64?
        var violation: String?
        var losses = 0
        var lates = 0

        private mutating func change(_ number: UInt64, from expected: Fate, to fate: Fate) {
            if fates[Int(number)] != expected {
                violation = violation ?? "packet \(number) is \(fates[Int(number)]) and becomes \(fate)"
            }
            fates[Int(number)] = fate
        }

        mutating func acknowledged(_ frame: SentFrame, number: UInt64) {
            change(number, from: .none, to: .acknowledged)
            finish(frame)
        }

        mutating func lost(_ frame: SentFrame, number: UInt64) {
            change(number, from: .none, to: .lost)
            if frame.type == .data {
                losses += 1
                if !isAcknowledged[Int(frame.offset)] { again.append(frame.offset) }
            }
        }

        mutating func acknowledgedAfterLoss(_ frame: SentFrame, number: UInt64) {
            change(number, from: .lost, to: .late)
            lates += 1
            finish(frame)
        }

        private mutating func finish(_ frame: SentFrame) {
            switch frame.type {
            case .ack: known = max(known ?? 0, frame.offset)
            case .data where !isAcknowledged[Int(frame.offset)]:
                isAcknowledged[Int(frame.offset)] = true
                acknowledgedFrames += 1
            default: break
            }
        }
    }

    /// When the application has data.
    struct Activity: Sendable {
        var start = Instant(nanoseconds: 0)
        /// Nanoseconds of sending and of silence, in turn.
        var on = Int64.max
        var off: Int64 = 0

        /// When it has data next; nil if it has now.
        func resumes(now: Instant) -> Instant? {
            guard now >= start else { return start }
            let (elapsed, period) = (now - start, on.addingReportingOverflow(off))
            guard !period.overflow else { return nil }
            let phase = elapsed % period.partialValue
            return phase < on ? nil : now + (period.partialValue - phase)
        }
    }

    var recovery: LossRecovery<CongestionControl>
    var received = ReceivedPackets()
    var frames: Frames
    /// Frames that came, by number.
    private(set) var arrived: [Bool]
    private(set) var arrivedCount = 0
    private var nextFrame: UInt64 = 0
    private let frameCount: Int
    private(set) var largestWindow = 0
    /// When the pacer or the application lets the next packet go.
    private(set) var paced: Instant?
    private let activity: Activity

    init(
        sending frameCount: Int,
        receiving arrivals: Int,
        _ algorithm: CongestionControl.Algorithm,
        _ activity: Activity = Activity()
    ) {
        self.frameCount = frameCount
        self.activity = activity
        recovery = LossRecovery(CongestionControl(algorithm, datagramSize: Self.size))
        frames = Frames(isAcknowledged: [Bool](repeating: false, count: frameCount))
        arrived = [Bool](repeating: false, count: arrivals)
    }

    var isDone: Bool { frames.acknowledgedFrames == frameCount && recovery.paths[0].inFlight == 0 }

    var nextDeadline: Instant? {
        var earliest = recovery.nextDeadline
        if let deadline = received.nextDeadline { earliest = min(earliest ?? deadline, deadline) }
        if let paced { earliest = min(earliest ?? paced, paced) }
        return earliest
    }

    mutating func check(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { frames.violation = frames.violation ?? text() }
    }

    // MARK: Receiving

    mutating func receive(_ packet: SimulatedPacket, now: Instant) {
        let elicits = packet.frame.type.elicitsAcknowledgment
        let isNew = received.record(packet.number, elicits: elicits, isUrgent: packet.frame.isFinal, now: now)
        // A replay window would have dropped it.
        guard isNew else { return }
        switch packet.frame.type {
        case .ack:
            do {
                try recovery.acknowledge(packet.payload.span.bytes, hasCounts: false, now: now, handler: &frames)
            } catch { check(false, "\(error)") }
            if let known = frames.known { received.forget(through: known) }
        case .data:
            if !arrived[Int(packet.frame.offset)] {
                arrived[Int(packet.frame.offset)] = true
                arrivedCount += 1
            }
        default: break
        }
        checkBounds()
    }

    private mutating func checkBounds() {
        let window = recovery.paths[0].controller.window
        largestWindow = max(largestWindow, window)
        check(recovery.paths[0].inFlight >= 0, "less than nothing is in flight")
        check((2 * Self.size...65_536 * Self.size).contains(window), "a window of \(window)")
    }

    // MARK: Sending

    /// Timers, then an ACK, then as many frames as may go.
    mutating func poll(now: Instant, send: (SimulatedPacket) -> Void) {
        if let deadline = recovery.nextDeadline, deadline <= now {
            let probes = recovery.timeout(now: now, handler: &frames)
            if probes.contains(path: 0) {
                // What is oldest goes again, and a PING.
                if let frame = recovery.oldestFrame(), frame.type == .data { transmit(frame, now: now, send) }
                transmit(SentFrame(.ping), now: now, send)
            }
            checkBounds()
        }
        if received.isDue(now: now) { acknowledge(now: now, send) }
        sendFrames(now: now, send)
    }

    private mutating func acknowledge(now: Instant, _ send: (SimulatedPacket) -> Void) {
        var payload = [UInt8](repeating: 0, count: ReceivedPackets.maximumPayload)
        var span = payload.mutableSpan
        var raw = span.mutableBytes
        guard let written = received.write(to: &raw, now: now) else { return }
        let frame = SentFrame(.ack, offset: written.largest, length: UInt32(written.length))
        transmit(frame, Array(payload.prefix(written.length)), now: now, send)
        // So that the peer's acknowledgment shortens the next ACKs.
        if recovery.unacknowledged > 64, recovery.nextDeadline == nil { transmit(SentFrame(.ping), now: now, send) }
    }

    private mutating func sendFrames(now: Instant, _ send: (SimulatedPacket) -> Void) {
        paced = activity.resumes(now: now)
        if paced != nil { recovery.applicationLimited() }
        while paced == nil {
            guard nextFrame < UInt64(frameCount) || !frames.again.isEmpty else {
                recovery.applicationLimited()
                return
            }
            let allowance = recovery.allowance(now: now)
            guard allowance.bytes >= Self.size else {
                if allowance.limit == .pacer { paced = recovery.nextSend(bytes: Self.size, now: now) }
                return
            }
            var number = nextFrame
            if let again = frames.again.popLast() {
                if frames.isAcknowledged[Int(again)] { continue }
                number = again
            } else {
                nextFrame += 1
            }
            let isFinal = number == UInt64(frameCount - 1)
            let frame = SentFrame(.data, stream: 1, offset: number, length: UInt32(Self.payload), isFinal: isFinal)
            transmit(frame, now: now, send)
            let (inFlight, window) = (recovery.paths[0].inFlight, recovery.paths[0].controller.window)
            check(inFlight <= window, "\(inFlight) in flight of \(window)")
        }
    }

    private mutating func transmit(
        _ frame: SentFrame,
        _ payload: [UInt8] = [],
        now: Instant,
        _ send: (SimulatedPacket) -> Void
    ) {
        let size = frame.type == .data ? Self.size : 52 + max(payload.count, 16)
        frames.fates.append(.none)
        let number = recovery.sent(frame, size: size, now: now)
        check(number == UInt64(frames.fates.count - 1), "packet \(number) is out of order")
        send(SimulatedPacket(number: number, frame: frame, payload: payload, size: size))
    }
}
