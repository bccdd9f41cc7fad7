internal import Glibc

// Sends packets and processes their acknowledgments, as a bulk transfer does, with a fixed number in flight.
//
//   recovery-benchmark PACKETS IN-FLIGHT PER-ACK LOSS-PER-MILLE [sender|control] [bbr]
//       prints the nanoseconds of processor time per packet; with `sender`, which loses nothing, without those of the
//       end that receives; with `control`, each packet allocates once, so that a count of allocations shows it; with
//       `bbr`, BBR takes the place of CUBIC

/// Counts what becomes of frames.
struct Counter: SentFrameHandler {
    var acknowledged = 0
    var lost = 0
    mutating func acknowledged(_ frame: SentFrame, number: UInt64) { acknowledged &+= Int(frame.length) }
    mutating func lost(_ frame: SentFrame, number: UInt64) { lost += 1 }
    mutating func acknowledgedAfterLoss(_ frame: SentFrame, number: UInt64) {}
}

/// The processor time of this process in nanoseconds: other processes of the machine change it least.
func processorTime() -> Double {
    var time = timespec()
    // The call fills it.
    guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fatalError("no clock") }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func argument(_ index: Int, _ fallback: Int) -> Int {
    CommandLine.arguments.count > index ? Int(CommandLine.arguments[index]) ?? fallback : fallback
}

let count = UInt64(argument(1, 10_000_000))
let inFlight = UInt64(argument(2, 4_000))
let perACK = UInt64(argument(3, 2))
let loss = UInt64(argument(4, 0))
let isControl = CommandLine.arguments.contains("control")
let isSenderOnly = CommandLine.arguments.contains("sender")
let algorithm = CommandLine.arguments.contains("bbr") ? CongestionControl.Algorithm.bbr : .cubic
/// Nanoseconds from packet to packet.
let pace: Int64 = 10_000

func run() {
    var recovery = LossRecovery(CongestionControl(algorithm, datagramSize: 1_472))
    var received = ReceivedPackets()
    var counter = Counter()
    var payload = [UInt8](repeating: 0, count: ReceivedPackets.maximumPayload)
    var now = Instant(nanoseconds: 0)
    var arrived: UInt64 = 0
    var random: UInt64 = 1
    var acknowledgments = 0
    var kept: [UInt64] = []
    let warmUp = 20 * inFlight
    var start = 0.0
    for number in 0..<warmUp + count {
        if number == warmUp { start = processorTime() }
        now = now + pace
        if isControl { kept = [number] }
        recovery.sent(
            SentFrame(.data, stream: 1, offset: number * 1_420, length: 1_420),
            size: 1_472,
            now: now
        )
        guard number >= inFlight else { continue }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        if !isSenderOnly, (random >> 33) % 1_000 >= loss {
            _ = received.record(arrived, elicits: true, isUrgent: false, now: now)
        }
        arrived += 1
        guard arrived % perACK == 0 else { continue }
        var span = payload.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        var length = AcknowledgedRanges.headLength
        if isSenderOnly {
            raw.store(bigEndian: UInt32(truncatingIfNeeded: arrived - 1), at: 0)
            raw.store(bigEndian: UInt32(truncatingIfNeeded: arrived - 1), at: 9)
        } else {
            guard let written = received.write(to: &raw, now: now) else { continue }
            length = written.length
        }
        acknowledgments += 1
        do {
            let bytes = unsafe payload.span.bytes
            try recovery.acknowledge(
                bytes.extracting(first: length),
                hasCounts: false,
                now: now,
                handler: &counter
            )
        } catch { fatalError("\(error)") }
    }
    let time = processorTime() - start
    if isControl { print("kept", kept) }
    print(
        "packets \(count) acks \(acknowledgments) lost \(counter.lost)",
        "bytes \(counter.acknowledged) ns/packet \(time / Double(count))"
    )
}

run()
