internal import CLinux
internal import StrictJSON

/// iperf3, over the loopback interface.
extension SelfTest {
    private static let streams = 4
    private static let versionTimeout: Duration = .seconds(5)
    /// Beyond the length of the test: connecting, ending, a busy machine.
    private static let slack: Duration = .seconds(10)
    /// How long the server may take until it listens.
    private static let attempts = 20
    private static let attemptPause: Duration = .milliseconds(100)
    /// iperf3's own text is longer than a sentence of ours should be.
    private static let excerptLength = 120

    func checkIperf3() async -> SelfTestCheck {
        let threshold = "iperf3 that starts"
        let remedy = "install it (apt install iperf3) or set iperf3.path; the native engine works without it"
        do {
            let output = try await run(iperf3Path, ["--version"], SelfTest.versionTimeout)
            let line = SelfTest.firstLine(output.standardOutput)
            if output.status == 0, line.hasPrefix("iperf 3") {
                return SelfTestCheck(SelfTest.iperf3, .pass, "iperf3 " + line.dropFirst(6), threshold: threshold)
            }
            let said = line.isEmpty ? SelfTest.firstLine(output.standardError) : line
            let details = "\(iperf3Path) is not a working iperf3 (exit code \(output.status)): \(said)"
            return SelfTestCheck(SelfTest.iperf3, .warn, details, threshold: threshold, remedy: remedy)
        } catch {
            let details = "\(iperf3Path) could not be started: \(SelfTest.excerpt("\(error)"))"
            return SelfTestCheck(SelfTest.iperf3, .warn, details, threshold: threshold, remedy: remedy)
        }
    }

    static func firstLine(_ bytes: [UInt8]) -> String {
        excerpt(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    private static func excerpt(_ text: String) -> String { String(text.prefix(excerptLength)) }

    func checkLoopback(isInstalled: Bool) async -> (check: SelfTestCheck, mbps: Double?) {
        let threshold = "1000 Mbps"
        guard isInstalled else {
            let check = SelfTestCheck(
                SelfTest.loopback,
                .warn,
                "Not measured: iperf3 does not work here",
                threshold: threshold,
                remedy: "install iperf3, then run the self-test again"
            )
            return (check, nil)
        }
        do {
            let mbps = try await measureLoopback()
            let check = SelfTestCheck(
                SelfTest.loopback,
                SelfTestCheck.status(mbps, pass: 1000, warn: 500),
                "Loopback iperf3 (\(SelfTest.streams) streams, \(loopbackSeconds)s): \(Int(mbps)) Mbps",
                measured: mbps,
                unit: "Mbps",
                threshold: threshold,
                remedy: "the CPU is the limit: stop other programs, or use a faster machine"
            )
            return (check, mbps)
        } catch {
            let reason = (error as? LoopbackFailure)?.reason ?? "\(error)"
            let check = SelfTestCheck(
                SelfTest.loopback,
                .warn,
                "Not measured: \(SelfTest.excerpt(reason))",
                threshold: threshold,
                remedy: "run `\(iperf3Path) -s -1` and `\(iperf3Path) -c 127.0.0.1` by hand to see what fails"
            )
            return (check, nil)
        }
    }

    private struct LoopbackFailure: Error { var reason: String }

    /// Mbit/s that our client received from our server.
    private func measureLoopback() async throws -> Double {
        let port = outpost_free_loopback_port()
        guard port > 0 else { throw LoopbackFailure(reason: "no port of 127.0.0.1 is free") }
        let whole = .seconds(loopbackSeconds) + SelfTest.slack
        return try await withThrowingTaskGroup(of: ProcessOutput.self) { group in
            // Whatever happens below, the server is killed with its process group.
            defer { group.cancelAll() }
            let run = run
            let path = iperf3Path
            group.addTask {
                try await run(path, ["-s", "-1", "-p", "\(port)", "-B", "127.0.0.1"], whole + SelfTest.slack)
            }
            let arguments = [
                "-c", "127.0.0.1", "-p", "\(port)", "-P", "\(SelfTest.streams)", "-t", "\(loopbackSeconds)", "-J",
            ]
            var failure = "iperf3's server did not listen"
            for _ in 0..<SelfTest.attempts {
                let output = try await run(path, arguments, whole)
                switch SelfTest.received(output.standardOutput) {
                case .success(let bitsPerSecond): return bitsPerSecond / 1e6
                case .failure(let reason):
                    failure = reason.reason
                    guard failure.contains("refused") else { throw reason }
                }
                try await Task.sleep(for: SelfTest.attemptPause)
            }
            throw LoopbackFailure(reason: failure)
        }
    }

    private static func received(_ output: [UInt8]) -> Result<Double, LoopbackFailure> {
        guard let json = try? JSONParser.parse(output[...], allowsRepeatedNames: true) else {
            return .failure(LoopbackFailure(reason: "iperf3 gave no JSON: \(firstLine(output))"))
        }
        if case .string(let reason) = json["error"] { return .failure(LoopbackFailure(reason: reason)) }
        switch json["end"]?["sum_received"]?["bits_per_second"] {
        case .number(let rate) where rate > 0 && rate < 1e15: return .success(rate)
        case .integer(let rate) where rate > 0 && rate < 1_000_000_000_000_000: return .success(Double(rate))
        default: return .failure(LoopbackFailure(reason: "iperf3's result has no rate"))
        }
    }
}
