internal import Operations

/// How latency is probed.
package struct LatencyPlan: Sendable {
    /// Most probes of one test. All are kept until the end, 38 bytes each while they run (152 MB), and some ten times
    /// that while they are analyzed. An hour at 1 000 a second fits.
    package static let mostProbes = EchoProbePlan.maximumCount
    /// Default milliseconds between probes.
    package static let usualIntervalMs = 10.0

    package var durationSec: Int
    /// Milliseconds between probes.
    package var intervalMs: Double
    /// Bytes of a datagram, header included.
    package var datagramBytes: Int

    package init(durationSec: Int, intervalMs: Double = Self.usualIntervalMs, datagramBytes: Int = 64) {
        self.durationSec = durationSec
        self.intervalMs = intervalMs
        self.datagramBytes = datagramBytes
    }

    /// The plan of a probe that runs as long as a load, at the default interval or the shortest that such a long load
    /// allows.
    static func besideLoad(seconds: Int) -> LatencyPlan {
        LatencyPlan(
            durationSec: seconds,
            intervalMs: max(usualIntervalMs, Double(seconds) * 1_000 / Double(mostProbes))
        )
    }

    /// An interval that leaves the link to the load: at most 3 % of its rate, and at least five probes a second.
    /// - Parameter rate: bits a second of the link's slower direction, if known.
    static func intervalMs(sparing rate: Double?, transport: LatencyResult.Transport) -> Double {
        guard let rate, rate > 0 else { return usualIntervalMs }
        let one = LatencyResult(transport: transport, intervalMs: 1_000, payloadBytes: 64, sent: 0, received: 0)
        return min(max(usualIntervalMs, one.probeBitsPerSecond / (rate * 0.03) * 1_000), 200)
    }

    var intervalNanoseconds: Int64 { Int64(intervalMs * 1_000_000) }
    /// Probes of the whole test; not bounded, see ``validate()``.
    var count: Int { max(1, Int(exactly: (Double(durationSec) * 1_000 / intervalMs).rounded(.down)) ?? .max) }

    /// Throws if the plan has more probes than can be kept.
    package func validate() throws(ParamedicError) {
        guard count <= Self.mostProbes else {
            let least = Double(durationSec) * 1_000 / Double(Self.mostProbes)
            throw .invalid(
                "\(durationSec) s with a probe every \(Quantity.trimmed(Quantity.milliseconds(intervalMs))) are "
                    + "\(Quantity.count(count)) probes: must be at most \(Quantity.count(Self.mostProbes)); make the test "
                    + "shorter, or the interval at least \(Quantity.fixed((least * 1_000).rounded(.up) / 1_000, decimals: 3)) ms"
            )
        }
    }
}
