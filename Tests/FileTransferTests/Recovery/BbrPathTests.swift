internal import OwnThread
internal import Testing

@testable import FileTransfer

/// What BBR makes of whole paths. The figures are a little looser than those seen, and never than what is promised.
@Suite("BBR on simulated paths", .ownThread)
struct BbrPathTests {
    /// One flow on a path, without violations.
    private static func run(_ scenario: PathScenario) -> PathScenario.Result {
        let result = scenario.run(.bbr)
        #expect(result.violation == nil)
        #expect(result.total <= 1.001)
        return result
    }

    @Test(arguments: [0.1, 1])
    func `a clean path is filled within a second and carries 95 percent, whatever its queue`(_ queue: Double) throws {
        let result = Self.run(.clean(queue: queue))
        #expect(result.total >= 0.955)
        #expect(try #require(result.reaches(0.9)) <= 0.6)
        #expect(result.dropped < 0.003)
    }

    @Test func `a deep queue is left almost empty`() {
        let result = Self.run(.clean(queue: 10))
        // 25 ms are promised.
        #expect(result.queue <= 6)
        #expect(result.longestQueue <= 60)
    }

    @Test func `1 percent of random losses costs little`() {
        let result = Self.run(.loss(0.01, seed: 1))
        #expect(result.total >= 0.94)
        #expect(result.queue <= 6)
    }

    @Test func `1 percent of losses in runs or with a shallow queue costs little`() {
        #expect(Self.run(.loss(0.01, burst: 8)).total >= 0.94)
        #expect(Self.run(.loss(0.01, queue: 0.1)).total >= 0.905)
    }

    @Test func `5 percent of random losses cost not much more than what is lost`() {
        #expect(Self.run(.loss(0.05, seed: 1)).total >= 0.86)
    }

    @Test func `packets that are reordered cost little`() { #expect(Self.run(.reordering).total >= 0.955) }

    @Test func `acknowledgments that come together every 20 ms cost little`() {
        let result = Self.run(.aggregation)
        #expect(result.total >= 0.96)
        #expect(result.queue <= 15)
    }

    @Test func `an application that pauses finds the path as it left it`() {
        let result = Self.run(.pauses(.bbr))
        // It sends for 70 % of the time.
        #expect(result.total >= 0.67)
    }

    @Test(arguments: [1.0])
    func `a path that becomes slower has a short queue again within 20 round trips`(_ queue: Double) throws {
        let result = Self.run(.drop(queue: queue))
        #expect(result.total >= 0.955)
        #expect(try #require(result.drains(from: PathScenario.dropTime, to: 25)) <= 20)
        #expect(result.queue <= 15)
    }

    @Test func `a path with a shallow queue that becomes slower loses little for it`() {
        let result = Self.run(.drop(queue: 0.1))
        #expect(result.total >= 0.94)
        #expect(result.dropped <= 0.025)
    }

    @Test func `a path that becomes faster is filled again`() { #expect(Self.run(.rise(queue: 1)).total >= 0.95) }

    // MARK: Shared paths

    private static func share(_ scenario: PathScenario, least: Double) {
        let result = scenario.run()
        print("\(scenario.name): \(result.goodput.map { "\(Int(($0 * 100).rounded())) %" }.joined(separator: " + "))")
        #expect(result.violation == nil)
        #expect(result.total >= 0.93)
        for goodput in result.goodput { #expect(goodput >= least) }
    }

    @Test(arguments: [1.0], [0.013, 5])
    func `two flows share a path, whenever the second one comes`(_ queue: Double, _ later: Double) {
        Self.share(.share(.bbr, .bbr, queue: queue, later: later, from: later + 8, to: later + 20), least: 0.3)
    }

    @Test func `with CUBIC it shares a queue of one product, in either order of their starts`() {
        Self.share(.share(.bbr, .cubic, queue: 1, to: 30), least: 0.28)
        Self.share(.share(.cubic, .bbr, queue: 1, later: 5, from: 12, to: 30), least: 0.28)
    }

    @Test func `two controllers with the same path and the same seed do the same`() {
        let scenario = PathScenario(name: "", from: 1, to: 4)
        let (one, other) = (scenario.run(.bbr), scenario.run(.bbr))
        #expect(one.arrivals == other.arrivals)
    }
}
