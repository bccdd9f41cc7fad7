extension Examiner {
    /// Latency without load, while downloading, while uploading, and both.
    /// - Parameter seconds: length of each phase.
    package func bufferbloat(
        seconds: Int,
        streams: Int?,
        engine: ThroughputEngine?,
        linkDown: Double? = nil,
        linkUp: Double? = nil,
        onPhase: @escaping @Sendable (BufferbloatResult.Phase) -> Void = { _ in },
        onProgress: @escaping @Sendable (ThroughputProgress) -> Void = { _ in }
    ) async throws -> BufferbloatResult {
        guard hasProbe else {
            throw ParamedicError.invalid("this reflector cannot measure latency beside a load; update it")
        }
        var measurements: [BufferbloatAnalysis.Measurement] = []
        for phase in BufferbloatResult.Phase.allCases {
            onPhase(phase)
            if phase == .idle {
                let idle = try await latency(LatencyPlan(durationSec: seconds))
                measurements.append(.init(phase: .idle, latency: idle))
                continue
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
            let (load, latency) = try await throughput(params, onProgress: onProgress)
            guard let latency else { continue }
            measurements.append(
                .init(
                    phase: phase,
                    latency: latency,
                    downBitsPerSecond: load[.down]?.bitsPerSecond,
                    upBitsPerSecond: load[.up]?.bitsPerSecond
                )
            )
        }
        return BufferbloatAnalysis.result(measurements, linkDown: linkDown, linkUp: linkUp)
    }
}
