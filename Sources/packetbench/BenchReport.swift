internal import Operations
internal import StrictJSON

/// The measurements, as text and as JSON; nil if not measured.
struct BenchReport: Sendable {
    /// In a form that `measure` accepts.
    let address: String
    /// The daemon's Endpoint ID; nil if it proved none.
    let peer: String?
    /// Of the daemon's TLS certificate; nil without one.
    let certificatePin: String?
    /// Whether the daemon proved that it has the secret of `--psk-file`.
    let hasSharedSecret: Bool
    let connecting: Duration
    /// Sorted.
    var latency: [Duration]?
    /// Messages a second.
    var rate: Double?
    /// Bits a second.
    var up: Double?
    var down: Double?

    private static let percentiles: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999),
    ]

    /// The sample at this percentile, in microseconds; 0 without samples.
    static func percentile(_ share: Double, of sorted: [Duration]) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((Double(sorted.count) * share).rounded(.up))
        return sorted[min(max(rank - 1, 0), sorted.count - 1)] / .microseconds(1)
    }

    /// Within 80 columns, if the address is.
    var text: String {
        var rows: [KeyValueBlock.Row] = [
            .init("daemon", knownBy.isEmpty ? "proved no identity" : "known by its " + knownBy.joined(separator: ", ")),
            .init("connecting", "\(BenchReport.rounded(connecting / .milliseconds(1), 2)) ms"),
        ]
        if let latency {
            rows.append(.init("requests of 64 B", "\(latency.count), one at a time"))
            for (name, share) in BenchReport.percentiles + [("max", 1)] {
                let time = BenchReport.rounded(BenchReport.percentile(share, of: latency), 1)
                rows.append(.init("\(KeyValueBlock.indentation)\(name)", "\(time) us"))
            }
        }
        if let rate { rows.append(.init("echoes of 64 B", "\(BenchReport.rounded(rate, 0)) a second")) }
        if let up { rows.append(.init("data of 64 KiB, up", "\(BenchReport.rounded(up / 1e9, 2)) Gbit/s")) }
        if let down { rows.append(.init("data of 64 KiB, down", "\(BenchReport.rounded(down / 1e9, 2)) Gbit/s")) }
        // On lines of their own: beside a name they would not fit.
        let identity = [peer, certificatePin].compactMap(\.self)
        return KeyValueBlock(title: "packetbench \(address)", rows: rows, footer: identity).text
    }

    private var knownBy: [String] {
        [
            peer == nil ? nil : "Endpoint ID", certificatePin == nil ? nil : "certificate",
            hasSharedSecret ? "secret" : nil,
        ].compactMap(\.self)
    }

    /// One object; null if not measured.
    var json: String {
        var request = JSONValue.null
        if let latency {
            var members: [JSONValue.Member] = [.init("count", .integer(Int64(latency.count)))]
            for (name, share) in BenchReport.percentiles {
                members.append(.init(name, .number(BenchReport.percentile(share, of: latency))))
            }
            members.append(.init("max", .number(BenchReport.percentile(1, of: latency))))
            request = .object(members)
        }
        return JSONValue.object([
            .init("address", .string(address)),
            .init("peer", JSONValue(optional: peer)),
            .init("certificate_pin", JSONValue(optional: certificatePin)),
            .init("connect_ms", .number(connecting / .milliseconds(1))),
            .init("request_64_us", request),
            .init("echo_64_per_second", rate.map { .number($0) } ?? .null),
            .init("data_up_bps", up.map { .number($0) } ?? .null),
            .init("data_down_bps", down.map { .number($0) } ?? .null),
        ]).text
    }

    /// Half up, with this many decimals.
    static func rounded(_ value: Double, _ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
        let whole = Int64((value * scale).rounded())
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole % Int64(scale))
        return "\(whole / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
