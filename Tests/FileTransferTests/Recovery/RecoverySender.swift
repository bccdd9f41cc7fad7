@testable import FileTransfer

/// Writes down what became of sent frames.
struct Fates: SentFrameHandler {
    private(set) var acknowledged: [UInt64] = []
    private(set) var lost: [UInt64] = []
    private(set) var late: [UInt64] = []
    private(set) var frames: [UInt64: SentFrame] = [:]

    mutating func acknowledged(_ frame: SentFrame, number: UInt64) {
        acknowledged.append(number)
        frames[number] = frame
    }

    mutating func lost(_ frame: SentFrame, number: UInt64) {
        lost.append(number)
        frames[number] = frame
    }

    mutating func acknowledgedAfterLoss(_ frame: SentFrame, number: UInt64) { late.append(number) }
}

/// A controller that writes down its calls.
struct RecordingController: CongestionController {
    var window = 1_000_000
    var datagramSize: Int
    private(set) var acknowledgedBytes = 0
    private(set) var losses = 0
    private(set) var late = 0
    private(set) var samples: [CongestionSample] = []

    init(datagramSize: Int) { self.datagramSize = datagramSize }

    func pacingRate(_ time: RoundTripTime) -> Double { 1e9 }
    mutating func sent(inFlight: Int, now: Instant) {}
    mutating func acknowledged(bytes: Int, sentAt: Instant) { acknowledgedBytes += bytes }
    mutating func lost(_ packet: PacketHistory) { losses += 1 }
    mutating func acknowledgedAfterLoss(sentAt: Instant) { late += 1 }
    mutating func update(_ sample: CongestionSample) { samples.append(sample) }
}

/// A sending end at a time that a test chooses.
final class RecoverySender<Controller: CongestionController> {
    static var size: Int { 1_000 }

    var recovery = LossRecovery<Controller>(datagramSize: size)
    private(set) var fates = Fates()
    /// Milliseconds.
    var time = 0.0

    var now: Instant { .milliseconds(time) }
    var path: PathRecovery<Controller> { recovery.paths[0] }
    var deadline: Double? { recovery.nextDeadline.map { Double($0.nanoseconds) / 1e6 } }

    var isIdle: Bool { recovery.isIdle }
    var isPingDue: Bool { recovery.isPingDue }
    var hasNumbers: Bool { recovery.hasNumbers }
    var allowance: SendAllowance { recovery.allowance(now: now) }
    /// The lowest packet that is remembered.
    var base: UInt64 { recovery.packets.base }
    var capacity: Int { recovery.packets.capacity }

    func path(_ index: Int) -> PathRecovery<Controller> { recovery.paths[index] }

    func send(_ count: Int = 1, type: PacketType = .data, path: Int = 0, size: Int = size, at time: Double? = nil) {
        if let time { self.time = time }
        for _ in 0..<count {
            let frame = SentFrame(type, stream: 3, offset: recovery.nextNumber * 7, length: 948)
            recovery.sent(frame, size: size, path: path, now: now)
        }
    }

    /// An ACK comes.
    func acknowledge(_ ranges: ClosedRange<UInt64>..., delay: UInt32 = 0, at time: Double? = nil) {
        if let time { self.time = time }
        let bytes = AcknowledgmentPayload.bytes(ranges, delay: delay)
        do {
            try recovery.acknowledge(bytes.span.bytes, hasCounts: false, now: now, handler: &fates)
        } catch { fatalError("\(error)") }
    }

    func process(_ payload: [UInt8]) throws(AcknowledgmentFailure) {
        try recovery.acknowledge(payload.span.bytes, hasCounts: false, now: now, handler: &fates)
    }

    @discardableResult func timeout(at time: Double) -> PathSet {
        self.time = time
        return recovery.timeout(now: now, handler: &fates)
    }

    func restartPath(_ path: Int) {
        recovery.restartPath(path, datagramSize: Self.size, handler: &fates)
    }
}

extension PacketHistory {
    /// A packet of which only the time matters, unless said otherwise.
    static func sent(
        at time: Instant,
        size: Int = 1_000,
        sequence: UInt32 = 0,
        priorDelivered: UInt64 = 0,
        inFlight: Int = 1_000,
        lost: Int = 0
    ) -> PacketHistory {
        PacketHistory(
            sentAt: time,
            size: size,
            sequence: sequence,
            priorDelivered: priorDelivered,
            inFlight: inFlight,
            lost: lost,
            isApplicationLimited: false
        )
    }
}
