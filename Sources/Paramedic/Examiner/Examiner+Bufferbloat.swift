package import LinkMeasurement

extension Examiner {
    /// Latency without load, while downloading, while uploading, and both. A phase that fails ends the test: it and the
    /// phases after it are not measured, those before it are the result. Throws if there are none, and if it is
    /// canceled.
    /// - Parameter seconds: length of each phase.
    /// - Returns: the measured phases, and what ended the test before its last phase; nil if nothing did.
    package func bufferbloat(
        seconds: Int,
        streams: Int?,
        engine: ThroughputEngine?,
        linkDown: Double? = nil,
        linkUp: Double? = nil,
        onPhase: @escaping @Sendable (BufferbloatResult.Phase) -> Void = { _ in },
        onProgress: @escaping @Sendable (ThroughputProgress) -> Void = { _ in }
    ) async throws -> (result: BufferbloatResult, failure: (any Error)?) {
        guard hasProbe else {
            throw ParamedicError.invalid("this reflector cannot measure latency under load; update it")
        }
        var measurements: [BufferbloatAnalysis.Measurement] = []
        var failure: (any Error)?
        // The slower direction, if it is known: probes that fill it would measure themselves.
        var slowest = [linkDown, linkUp].compactMap { $0 }.min()
        for phase in BufferbloatResult.Phase.allCases {
            onPhase(phase)
            do {
                let interval = LatencyPlan.intervalMs(
                    sparing: slowest,
                    transport: measurements.first?.latency.transport ?? .tunneled
                )
                let measured = try await measure(
                    phase,
                    seconds: seconds,
                    streams: streams,
                    engine: engine,
                    intervalMs: interval,
                    onProgress
                )
                measurements.append(measured)
                if phase != .both {
                    slowest = [slowest, measured.downBitsPerSecond, measured.upBitsPerSecond].compactMap { $0 }.min()
                }
            } catch {
                try Task.checkCancellation()
                guard !measurements.isEmpty else { throw error }
                failure = error
                break
            }
        }
        let missing = failure.map { failure in
            BufferbloatResult.Phase.allCases.dropFirst(measurements.count)
                .map { UnmeasuredPart(part: $0.rawValue, reason: "\(failure)") }
        }
        let result = BufferbloatAnalysis.result(
            measurements,
            linkDown: linkDown,
            linkUp: linkUp,
            notMeasured: missing ?? []
        )
        return (result, failure)
    }

    private func measure(
        _ phase: BufferbloatResult.Phase,
        seconds: Int,
        streams: Int?,
        engine: ThroughputEngine?,
        intervalMs: Double,
        _ onProgress: @escaping @Sendable (ThroughputProgress) -> Void
    ) async throws -> BufferbloatAnalysis.Measurement {
        if phase == .idle {
            return .init(
                phase: .idle,
                latency: try await latency(LatencyPlan(durationSec: seconds, intervalMs: intervalMs))
            )
        }
        let params = SessionParameters(
            durationSec: seconds,
            transport: .tcp,
            streams: streams,
            reverse: phase == .download,
            bidirectional: phase == .both,
            engine: engine,
            latencyProbe: true
        )
        let (load, latency) = try await throughput(
            params,
            probeIntervalMs: intervalMs,
            onProgress: onProgress
        )
        guard let latency else { throw LinkClientError.unexpected("a grant without the requested probe") }
        return .init(
            phase: phase,
            latency: latency,
            downBitsPerSecond: load[.down]?.bitsPerSecond,
            upBitsPerSecond: load[.up]?.bitsPerSecond
        )
    }
}
