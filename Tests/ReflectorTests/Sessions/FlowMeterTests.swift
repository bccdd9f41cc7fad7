import Synchronization
import Testing

@testable import Reflector

@Suite("Flow meter")
struct FlowMeterTests {
    @Test("two who sample the same counter count nothing twice")
    func samplers() async {
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
}

private final class Counter: Sendable {
    let bytes = Atomic(0)
}
