internal import Operations

/// What was measured, as text and as JSON.
struct BenchReport: Sendable {
    let address: String
    /// The daemon's Endpoint ID; nil when it proved none.
    let peer: String?
    let connecting: Duration
    /// Sorted.
    let latency: [Duration]
    /// Messages a second.
    let rate: Double
    /// Bits a second.
    let up: Double
    let down: Double

    private func percentile(_ share: Double) -> Double {
        guard !latency.isEmpty else { return 0 }
        let index = min(latency.count - 1, Int(Double(latency.count) * share))
        return latency[index] / .microseconds(1)
    }

    var text: String {
        let block = KeyValueBlock(
            title: "packetbench \(address)",
            rows: [
                .init("daemon", peer ?? "not authenticated"),
                .init("connecting", "\(BenchReport.rounded(connecting / .milliseconds(1), 2)) ms"),
                .init(
                    "request of 64 B",
                    "p50 \(BenchReport.rounded(percentile(0.5), 1)) us, p99 \(BenchReport.rounded(percentile(0.99), 1)) us "
                        + "(\(latency.count) round trips)"
                ),
                .init("echoes of 64 B", "\(Int(rate.rounded())) a second"),
                .init("data of 64 KiB, up", "\(BenchReport.rounded(up / 1e9, 2)) Gbit/s"),
                .init("data of 64 KiB, down", "\(BenchReport.rounded(down / 1e9, 2)) Gbit/s"),
            ]
        )
        return block.text
    }

    var json: String {
        JSONValue.object([
            .init("address", .string(address)),
            .init("peer", JSONValue(optional: peer)),
            .init("connect_ms", .number(connecting / .milliseconds(1))),
            .init(
                "request_64_us",
                .object([
                    .init("count", .integer(Int64(latency.count))),
                    .init("p50", .number(percentile(0.5))), .init("p90", .number(percentile(0.9))),
                    .init("p99", .number(percentile(0.99))),
                ])
            ),
            .init("echo_64_per_second", .number(rate)),
            .init("data_up_bps", .number(up)),
            .init("data_down_bps", .number(down)),
        ]).text
    }

    private static func rounded(_ value: Double, _ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
        let whole = Int64((value * scale).rounded())
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole % Int64(scale))
        return "\(whole / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
