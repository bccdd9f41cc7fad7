internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Simulated transfers", .ownThread)
struct SimulationTests {
    /// Any path on which a transfer can end.
    private static func properties(using generator: inout SeededGenerator) -> SimulatedLink.Properties {
        func share(_ most: Double) -> Double {
            Bool.random(using: &generator) ? 0 : Double.random(in: 0...most, using: &generator)
        }
        let delay = Int64.random(in: 10_000...120_000_000, using: &generator)
        return SimulatedLink.Properties(
            bytesPerSecond: .random(in: 100_000...50_000_000, using: &generator),
            queue: .random(in: 3_000...500_000, using: &generator),
            delay: delay,
            loss: share(0.3),
            duplication: share(0.2),
            reordering: share(0.3),
            holdUp: .random(in: 0...2 * delay, using: &generator)
        )
    }

    @Test(arguments: CongestionControl.Algorithm.allCases)
    func `on any path every packet is acknowledged or lost once, every frame arrives, and nothing stays in flight`(
        _ algorithm: CongestionControl.Algorithm
    ) async {
        var losses = 0
        var lates = 0
        for seed in 0..<100 as Range<UInt64> {
            // Others need the thread, too.
            await Task.yield()
            var generator = SeededGenerator(seed: seed &+ 1 << 32)
            var session = SimulatedSession(
                seed: seed,
                forth: Self.properties(using: &generator),
                back: Self.properties(using: &generator),
                frames: .random(in: 1...300, using: &generator),
                framesBack: Bool.random(using: &generator) ? 0 : .random(in: 1...100, using: &generator),
                algorithm: algorithm
            )
            let isDone = session.run(until: .milliseconds(3_600_000))
            let violations = [session.first.frames.violation, session.second.frames.violation].compactMap { $0 }
            // Packets that had to be acknowledged have had their fate; the last acknowledgments may be under way.
            let inFlight = session.first.recovery.paths[0].inFlight + session.second.recovery.paths[0].inFlight
            let missing = session.second.frames.isAcknowledged.count - session.first.arrivedCount
            guard isDone, violations.isEmpty, inFlight == 0, missing == 0 else {
                Issue.record("seed \(seed): done \(isDone), in flight \(inFlight): \(violations)")
                return
            }
            losses += session.first.frames.losses + session.second.frames.losses
            lates += session.first.frames.lates + session.second.frames.lates
        }
        // The paths are as bad as they should be.
        #expect(losses > 300)
        #expect(lates > 30)
    }

    private struct Result {
        /// Of the link's payload rate.
        var goodput: Double
        /// Milliseconds that a packet waits at the bottleneck.
        var queueing: Double
        var losses: Int
        var window: Int
        var violation: String?
    }

    /// 100 Mbit/s and 50 ms: the share of the link's payload rate that arrives from the fifth second to the 25th.
    private static func transfer(queue: Double = 1, loss: Double = 0, name: String) -> Result {
        let rate = 12_500_000.0
        let product = rate * 0.05
        let delay: Int64 = 25_000_000
        var session = SimulatedSession(
            seed: 1,
            forth: .init(bytesPerSecond: rate, queue: Int(queue * product), delay: delay, loss: loss),
            back: .init(bytesPerSecond: rate, queue: Int(product), delay: delay),
            frames: 300_000
        )
        _ = session.run(until: .milliseconds(5_000))
        let (arrived, start) = (session.second.arrivedCount, session.now)
        let (waited, passed) = (session.forth.waited, session.forth.passed)
        _ = session.run(until: .milliseconds(25_000))
        let seconds = Double(session.now - start) / 1e9
        let payload = Double((session.second.arrivedCount - arrived) * SimulatedEnd.payload)
        let result = Result(
            goodput: payload / seconds / (rate * 1_420 / 1_500),
            queueing: Double(session.forth.waited - waited) / Double(session.forth.passed - passed) / 1e6,
            losses: session.first.frames.losses,
            window: session.first.recovery.paths[0].controller.window,
            violation: session.first.frames.violation ?? session.second.frames.violation
        )
        print(
            "100 Mbit/s × 50 ms, \(name): goodput \(Int((result.goodput * 1_000).rounded())) ‰,",
            "queue \(Int(result.queueing)) ms, lost \(result.losses), window \(result.window)"
        )
        return result
    }

    @Test func `a clean path of 100 Mbit per second and 50 ms carries 95 percent`() {
        let result = Self.transfer(name: "queue 1 BDP")
        #expect(result.goodput >= 0.95)
        #expect(result.goodput <= 1.001)
        #expect(result.violation == nil)
    }

    @Test func `a shallow or a deep queue takes little of it`() {
        let shallow = Self.transfer(queue: 0.1, name: "queue 0.1 BDP")
        #expect(shallow.goodput >= 0.8)
        #expect(shallow.violation == nil)
        let deep = Self.transfer(queue: 10, name: "queue 10 BDP")
        #expect(deep.goodput >= 0.95)
        #expect(deep.violation == nil)
    }

    @Test func `with random losses CUBIC still gives way, and nothing breaks`() {
        let one = Self.transfer(loss: 0.01, name: "1 % loss")
        let five = Self.transfer(loss: 0.05, name: "5 % loss")
        #expect(one.goodput < 0.5)
        #expect(five.goodput < one.goodput)
        #expect(one.violation == nil)
        #expect(five.violation == nil)
    }
}
