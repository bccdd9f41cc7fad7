internal import LinkMeasurement
internal import Operations

/// Grades latency under load. Anything that makes the comparison of idle and loaded worthless yields “inconclusive” and
/// the reason. Only a queue that had the chance to grow gets a grade.
package enum BufferbloatAnalysis {
    /// 100 kbit/s. Below it, a single full frame takes more than 120 ms and causes the whole increase.
    package static let minimumLoadBitsPerSecond = 100_000.0
    /// A quarter of what the link carried in a throughput test: with less, the link was never full and had no queue.
    package static let minimumShareOfLink = 0.25
    /// A tenth. The lost probes are those that met the full queue; a mean over the others flatters the link.
    package static let mostLostPercent = 10.0
    /// With 20 samples, the 95th percentile is a measured value other than the maximum.
    package static let fewestSamples = 20
    /// If the mean falls under load by more than the best grade's band, the idle phase was not idle.
    package static let largestDecreaseMs = 5.0

    /// The measurements of one phase.
    package struct Measurement: Sendable {
        package var phase: BufferbloatResult.Phase
        package var latency: LatencyResult
        package var downBitsPerSecond: Double?
        package var upBitsPerSecond: Double?

        package init(
            phase: BufferbloatResult.Phase,
            latency: LatencyResult,
            downBitsPerSecond: Double? = nil,
            upBitsPerSecond: Double? = nil
        ) {
            self.phase = phase
            self.latency = latency
            self.downBitsPerSecond = downBitsPerSecond
            self.upBitsPerSecond = upBitsPerSecond
        }
    }

    /// Compares the loaded phases with the idle one.
    ///
    /// - Parameters:
    ///   - measurements: The phases that ran, at most one of each.
    ///   - linkDown: What the link carries toward the client, in bits per second, if a throughput test has shown it.
    ///   - linkUp: The same for the other direction.
    ///   - notMeasured: The planned phases that did not run. The worst phase may be among them, so there is no grade.
    package static func result(
        _ measurements: [Measurement],
        linkDown: Double? = nil,
        linkUp: Double? = nil,
        notMeasured: [UnmeasuredPart] = []
    ) -> BufferbloatResult {
        var ordered: [Measurement] = []
        for phase in BufferbloatResult.Phase.allCases {
            if let measurement = measurements.first(where: { $0.phase == phase }) { ordered.append(measurement) }
        }
        let transport: LatencyResult.Transport =
            ordered.contains { $0.latency.transport == .tunneled } ? .tunneled : .udp
        let idle = ordered.first { $0.phase == .idle }
        let idleFault =
            idle.map { probeFault($0.latency, when: "without load") } ?? "latency without load was not measured"
        let phases = ordered.map { measurement in
            measurement.phase == .idle
                ? BufferbloatPhase(
                    phase: .idle,
                    latency: measurement.latency,
                    downBitsPerSecond: measurement.downBitsPerSecond,
                    upBitsPerSecond: measurement.upBitsPerSecond,
                    roundTripsPerMinute: roundTrips(measurement.latency.rtt),
                    inconclusive: idleFault
                )
                : loaded(measurement, idle: idle?.latency.rtt, idleFault: idleFault, linkDown: linkDown, linkUp: linkUp)
        }
        let load = phases.filter { $0.phase != .idle }
        var result = BufferbloatResult(
            transport: transport,
            phases: phases,
            notMeasured: notMeasured.isEmpty ? nil : notMeasured
        )
        result.inconclusive =
            result.notMeasuredWords
            ?? (load.isEmpty ? "no load was applied" : load.lazy.compactMap(\.inconclusive).first)
        if result.inconclusive == nil {
            result.grade = load.compactMap(\.grade).max()
            result.roundTripsPerMinute = load.compactMap(\.roundTripsPerMinute).min()
        }
        return result
    }

    private static func loaded(
        _ measurement: Measurement,
        idle: Distribution?,
        idleFault: String?,
        linkDown: Double?,
        linkUp: Double?
    ) -> BufferbloatPhase {
        let rtt = measurement.latency.rtt
        let increase: Double? = if let idle, let rtt { rtt.mean - idle.mean } else { nil }
        let fault =
            idleFault
            ?? loadFault(measurement, linkDown: linkDown, linkUp: linkUp)
            ?? probeFault(measurement.latency, when: measurement.phase.underLoad)
            ?? increase.flatMap { increase in
                increase < -largestDecreaseMs
                    ? "latency was \(Quantity.milliseconds(-increase)) lower \(measurement.phase.underLoad) than without"
                        + " load, so the idle phase was disturbed"
                    : nil
            }
        return BufferbloatPhase(
            phase: measurement.phase,
            latency: measurement.latency,
            downBitsPerSecond: measurement.downBitsPerSecond,
            upBitsPerSecond: measurement.upBitsPerSecond,
            increaseMs: increase,
            p95IncreaseMs: idle.flatMap { idle in rtt.map { $0.p95 - idle.mean } },
            roundTripsPerMinute: roundTrips(rtt),
            grade: fault == nil ? increase.map(BufferbloatGrade.init(meanIncreaseMs:)) : nil,
            inconclusive: fault
        )
    }

    private static func loadFault(_ measurement: Measurement, linkDown: Double?, linkUp: Double?) -> String? {
        let wanted: [(needed: Bool, rate: Double?, link: Double?, name: String)] = [
            (measurement.phase.loadsDown, measurement.downBitsPerSecond, linkDown, "download"),
            (measurement.phase.loadsUp, measurement.upBitsPerSecond, linkUp, "upload"),
        ]
        for load in wanted where load.needed {
            let rate = load.rate.bounded(by: ThroughputBounds.bitsPerSecond) ?? 0
            guard rate >= minimumLoadBitsPerSecond else {
                return "the \(load.name) load reached only \(Quantity.rate(rate)), too little to fill a queue"
            }
            // Both directions at once share acknowledgments and CPU, so the single directions are no measure there.
            if measurement.phase != .both, let link = load.link, rate < link * minimumShareOfLink {
                return
                    "the \(load.name) load reached only \(Quantity.rate(rate)) of the \(Quantity.rate(link)) that the"
                    + " link carries, so it was never full"
            }
        }
        return nil
    }

    private static func probeFault(_ latency: LatencyResult, when: String) -> String? {
        if latency.isMostlyRateLimited {
            return
                "\(Quantity.count(latency.rateLimited)) of \(Quantity.count(latency.sent)) probes were dropped \(when) by the"
                + " reflector's own limit"
        }
        if latency.lossPercent > mostLostPercent {
            return
                "\(Quantity.percent(latency.lossPercent)) of the probes were lost \(when), and those are the slow ones"
        }
        let count = latency.rtt?.count ?? 0
        if count < fewestSamples {
            return "only \(count) of \(latency.sent) probes returned \(when); \(fewestSamples) are needed"
        }
        return nil
    }

    private static func roundTrips(_ rtt: Distribution?) -> Double? {
        guard let rtt, rtt.mean > 0 else { return nil }
        return 60_000 / rtt.mean
    }
}

extension BufferbloatResult.Phase {
    /// The phase as part of a sentence.
    var underLoad: String {
        switch self {
        case .idle: "without load"
        case .download: "while downloading"
        case .upload: "while uploading"
        case .both: "while loading both directions"
        }
    }
}
