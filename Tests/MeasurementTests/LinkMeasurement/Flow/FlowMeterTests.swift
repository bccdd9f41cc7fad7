internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Flow meter")
struct FlowMeterTests {
    @Test func `two who sample the same counter count nothing twice`() async {
        let meter = FlowMeter(seconds: 4)
        let counter = Counter()
        let rounds = 200_000
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<rounds {
                        counter.bytes.add(3, ordering: .relaxed)
                        meter.raise(to: counter.bytes.load(ordering: .relaxed))
                    }
                }
            }
        }
        #expect(meter.bytes == 4 * 3 * rounds)
    }

    @Test
    func `beginnings of records at the end of the measurement have arrived; at the end of its sender they have not`() {
        // 256 kbit/s through four tunnels, whose last records have come by half.
        for (end, counts) in [(10_000_100_000, true), (9_900_000_000, false)] as [(UInt64, Bool)] {
            let meter = FlowMeter(seconds: 10)
            for _ in 0..<4 { meter.opened(.arrivals(.fullRecords)) }
            for tick in UInt64(0)...98 {
                let now = 1 + tick * 100_000_000
                meter.arrived(3_000, since: now - min(now, 100_000_000), lastLook: now, until: now)
            }
            meter.delivered(297_000)
            meter.record(297_000 - 4 * 8_000, at: 5_000_000_000)
            for _ in 0..<4 { meter.ended(at: 1 + end) }
            let bytes = meter.received(at: 11_000_000_000).bytes
            #expect(counts ? (296_000...297_000).contains(bytes) : bytes == 265_000, "\(bytes)")
        }
    }
}

private final class Counter: Sendable {
    let bytes = Atomic(0)
}
