internal import LinkMeasurement
internal import NIOSSL
internal import PacketIO

extension Examiner {
    /// Round trips without load. Throws ``PartlyMeasured`` if the test was cut after replies had arrived.
    package func latency(
        _ plan: LatencyPlan,
        onProgress: @escaping @Sendable (EchoProgress) -> Void = { _ in }
    ) async throws -> LatencyResult {
        try plan.validate()
        let params = SessionParameters(durationSec: plan.durationSec)
        return try await withSession(SessionRequest(testType: .udpEcho, params: params)) { grant, closing in
            let probe = try await makeProbe(
                grant: grant,
                port: grant.port,
                token: grant.token,
                plan: plan,
                onProgress: onProgress
            )
            let pauses = SuspensionDetector()
            let watch = Task { try await pauses.watch() }
            defer { watch.cancel() }
            let samples = try await probe.samples()
            var counts: EchoReport?
            do {
                let report = try await closing.result()
                counts = report.echo
                // Probes sent after the reflector had gone are not lost on the link.
                try report.requireOrderlyEnd(spentCounts: false)
                if let cut = probe.cut { throw cut }
                try probe.requireAnswers(samples)
                return try probe.result(samples, report: report.echo)
            } catch {
                try Task.checkCancellation()
                throw pauses.explained(probe.partly(samples, report: counts, error))
            }
        }
    }

    /// The probe beside a throughput test; nil if the grant has none.
    /// - Parameter intervalMs: time between probes; nil for the default.
    func startProbe(
        _ grant: SessionGrant,
        _ params: SessionParameters,
        intervalMs: Double?
    ) async throws -> RunningProbe? {
        guard params.latencyProbe == true, let echo = grant.echo else { return nil }
        var plan = LatencyPlan.besideLoad(seconds: params.durationSec + SessionParameters.setupSeconds)
        if let intervalMs { plan.intervalMs = max(plan.intervalMs, intervalMs) }
        return try await makeProbe(
            grant: grant,
            port: echo.port,
            token: echo.token,
            plan: plan,
            askedSec: params.durationSec
        ) { _ in }
    }

    /// - Parameter askedSec: a tunnel that ends before this was cut; nil for the time of the plan.
    private func makeProbe(
        grant: SessionGrant,
        port: Int,
        token: String,
        plan: LatencyPlan,
        askedSec: Int? = nil,
        onProgress: @escaping @Sendable (EchoProgress) -> Void
    ) async throws -> RunningProbe {
        guard let accessToken = AccessToken(hex: token) else { throw LinkClientError.unexpected("a malformed token") }
        if grant.mode == .tunneled {
            let tunnel = try await LinkClient.connect(to: address, context: context)
            let probe = TunnelProber(
                plan: plan,
                token: accessToken,
                askedSec: askedSec ?? plan.durationSec,
                onProgress: onProgress
            )
            try await tunnel.open(TunnelOpen(testID: grant.testID, token: token)) { channel in
                try probe.install(on: channel)
            }
            return RunningProbe(
                probe,
                transport: .tunneled,
                intervalMs: plan.intervalMs,
                payloadBytes: plan.datagramBytes
            )
        }
        guard let host = client.remoteHost.flatMap({ InternetHost($0) }), let number = UInt16(exactly: port) else {
            throw LinkClientError.unexpected("a port that cannot be used")
        }
        let target = InternetAddress(host, port: number)
        var probePlan = EchoProbePlan(
            target: target,
            token: accessToken,
            count: plan.count
        )
        probePlan.interval = plan.intervalNanoseconds
        probePlan.datagramLength = plan.datagramBytes
        return RunningProbe(
            try EchoProber(probePlan, onProgress: onProgress),
            transport: .udp,
            intervalMs: plan.intervalMs,
            payloadBytes: plan.datagramBytes,
            target: target
        )
    }
}
