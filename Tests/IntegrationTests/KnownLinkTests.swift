internal import Foundation
internal import Operations
internal import Testing

/// Throughput over links whose rate is known. The bars are wider than those of `Benchmarks/links`, which runs alone.
@Suite("Throughput of a known link", .timeLimit(.minutes(10)), .serialized)
struct KnownLinkTests {
    private static let modes = ["tunneled", "direct_ephemeral"]
    /// TLS adds 22 bytes to 16 KiB.
    private static func truth(_ rate: Double, _ mode: String) -> Double {
        rate * RoutedLink.payloadShare * (mode == "tunneled" ? 16_384.0 / 16_406 : 1)
    }

    private func direction(_ result: Tool.Result) throws -> [String: Any] {
        let list = try #require(try result.json()["directions"] as? [[String: Any]], "\(result.errors)")
        return try #require(list.first)
    }

    @Test(
        arguments: modes,
        [false, true]
    )
    func `the rate is the link's, the intervals add up, and no end claims more processor than there is`(
        mode: String,
        reverse: Bool
    ) async throws {
        try await RoutedLink.serving(mode) { link, installation in
            for (rate, name, streams, seconds) in [(256e3, "256kbit", "1", "5"), (10e6, "10mbit", "4", "3")] {
                try await link.shape(up: name, down: name)
                let begin = ContinuousClock.now
                let result = try await link.paramedic(
                    installation,
                    "throughput",
                    reverse ? "--reverse" : "--duration=\(seconds)",
                    "--duration",
                    seconds,
                    "--engine",
                    "native",
                    "--streams",
                    streams,
                    "--json"
                )
                let took = ContinuousClock.now - begin
                #expect(result.code == 0, "\(result.errors)")
                let moved = try direction(result)
                let read = try #require(moved["received_bps"] as? Double)
                #expect((0.9...1.02).contains(read / Self.truth(rate, mode)), "\(read) of \(rate)")
                // What stood in the sender's buffers took seven seconds more.
                #expect(took < .seconds((Int(seconds) ?? 0) + 5), "\(took)")
                let intervals = try #require(moved["intervals"] as? [[String: Any]])
                let sum = intervals.reduce(0) { $0 + ($1["moved_bytes"] as? Int ?? 0) }
                #expect(sum == moved["received_bytes"] as? Int)
                // Slower, the holes that the first flight leaves take seconds to fill, and TCP gives out late what came
                // before.
                for interval in intervals where rate >= 1e6 {
                    let read = try #require(interval["rate_bps"] as? Double)
                    #expect(read <= Self.truth(rate, mode) * 1.05, "\(interval)")
                }
                let json = try result.json()
                for key in ["client_cpu_percent", "server_cpu_percent"] {
                    let percent = try #require(json[key] as? Double)
                    #expect(percent <= 100 * Double(ProcessInfo.processInfo.processorCount))
                }
                #expect((json["client_thread_percent"] as? Double ?? 101) <= 100)
            }
        }
    }

    @Test(
        arguments: modes
    )
    func `when nothing arrives any more the result is printed, over the whole time, and says since when`(mode: String)
        async throws
    {
        try await RoutedLink.serving(mode) { link, installation in
            try await link.shape(up: "10mbit", down: "10mbit")
            let test = try await link.start(
                .client,
                "paramedic",
                ["throughput", "--reverse", "--duration", "8", "--engine", "native", "--streams", "1", "--json"],
                installation
            )
            // The test's own connections have moved something.
            try await eventually("the download runs") {
                let sent = try await link.shell(.server, "cat /sys/class/net/eth0/statistics/tx_bytes")
                return (Int(sent.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) > 1_000_000 ? true : nil
            }
            try await link.drop("meta l4proto tcp")
            let exit = await test.exit()
            let result = Tool.Result(
                code: exit.code,
                output: String(decoding: exit.output, as: UTF8.self),
                errors: String(decoding: exit.errorOutput, as: UTF8.self)
            )
            #expect(result.code == 1)
            let moved = try direction(result)
            #expect((7.5...9).contains(try #require(moved["duration_sec"] as? Double)))
            #expect(try #require(moved["silent_since_sec"] as? Double) < 7)
            #expect(try #require(moved["received_bps"] as? Double) < 9e6)
            let notes = try #require(try result.json()["notes"] as? [String])
            #expect(notes.contains { $0.contains("nothing arrived down from") }, "\(notes)")
        }
    }
}
