internal import Glibc
internal import OwnThread
internal import Testing

@testable import FileTransfer

/// Prints what each controller makes of a path; with `OUTPOST_CONGESTION_TABLE=1` of every path, which takes minutes.
@Suite("Congestion control, side by side", .ownThread)
struct CongestionTable {
    private typealias Algorithm = CongestionControl.Algorithm

    private static let isWanted = getenv("OUTPOST_CONGESTION_TABLE") != nil

    private static func text(_ value: Double, digits: Int = 1) -> String {
        let power = (0..<digits).reduce(1) { power, _ in power * 10 }
        let scaled = Int((value * Double(power)).rounded())
        if digits == 0 { return "\(scaled)" }
        let fraction = String(scaled % power)
        return "\(scaled / power)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    private static func cells(_ result: PathScenario.Result) -> String {
        let shares = result.goodput.map { text($0 * 100) }.joined(separator: " + ")
        let queue = "\(text(result.queue)) / \(text(result.longestQueue))"
        return "\(shares) | \(queue) | \(text(result.dropped * 100, digits: 2))"
    }

    @Test func `paths, with CUBIC and with BBR`() {
        print("| path | CUBIC % | queue ms | lost % | BBR % | queue ms | lost % |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for scenario in PathScenario.single.prefix(Self.isWanted ? .max : 1) {
            let (cubic, bbr) = (scenario.run(.cubic), scenario.run(.bbr))
            print("| \(scenario.name) | \(Self.cells(cubic)) | \(Self.cells(bbr)) |")
            #expect(cubic.violation == nil)
            #expect(bbr.violation == nil)
        }
        guard Self.isWanted else { return }
        print("\n| flows that share it | % each | queue ms | lost % |\n| --- | --- | --- | --- |")
        for scenario in PathScenario.shared {
            let result = scenario.run()
            print("| \(scenario.name) | \(Self.cells(result)) |")
            #expect(result.violation == nil)
        }
        print("\n| least share % of three starts, 0.5, 2 and 5 s later | queue 0.1 BDP | 1 | 10 |")
        print("| --- | --- | --- | --- |")
        for (first, second) in [(Algorithm.bbr, Algorithm.bbr), (.bbr, .cubic), (.cubic, .bbr)] {
            let cells = [0.1, 1, 10].map { queue in
                let shares = [0.5, 2, 5].map { later in
                    PathScenario.share(first, second, queue: queue, later: later, from: later + 10, to: later + 40)
                        .run().goodput
                }
                return [0, 1].map { flow in Self.text(shares.map { $0[flow] * 100 }.min() ?? 0) }.joined(
                    separator: " + "
                )
            }
            print("| \(first), \(second) | \(cells.joined(separator: " | ")) |")
        }
        print("\n| time | CUBIC | BBR |\n| --- | --- | --- |")
        for queue in [0.1, 1, 10] {
            let scenario = PathScenario.clean(queue: queue)
            let times = [scenario.run(.cubic), scenario.run(.bbr)].map {
                $0.reaches(0.9).map { Self.text($0, digits: 2) } ?? "–"
            }
            print("| s until 90 % is reached, queue \(queue) BDP | \(times[0]) | \(times[1]) |")
        }
        for queue in [0.1, 1, 10] {
            let scenario = PathScenario.drop(queue: queue)
            let times = [scenario.run(.cubic), scenario.run(.bbr)].map {
                $0.drains(from: PathScenario.dropTime, to: 25).map { "\($0)" } ?? "–"
            }
            let name = "RTTs after the drop until the queue is below 25 ms, queue \(queue) BDP"
            print("| \(name) | \(times[0]) | \(times[1]) |")
        }
    }
}
