internal import NIOSSL
internal import Operations

/// What a throughput test moved so far, for a live line.
package struct ThroughputProgress: Sendable {
    package let second: Int
    package let upBitsPerSecond: Double
    package let downBitsPerSecond: Double
}

extension Examiner {
    /// A throughput test, and the latency beside it when `params.latencyProbe` is set.
    package func throughput(
        _ params: SessionParameters,
        onProgress: @escaping @Sendable (ThroughputProgress) -> Void = { _ in }
    ) async throws -> (ThroughputResult, LatencyResult?) {
        try await withSession(SessionRequest(testType: .throughput, params: params)) { grant in
            let meters = ClientMeters(seconds: params.durationSec)
            let cpu = CPUTime.process()
            let live = Task { try await Self.report(meters, onProgress) }
            defer { live.cancel() }
            let probe = try await startProbe(grant, params)
            var own: ThroughputResult
            do {
                own = try await run(grant, params, meters)
            } catch {
                probe?.cancel()
                try Task.checkCancellation()
                // A stream that is refused may be one that comes after the end.
                if error is ParamedicError || (error as? LinkClientError)?.isRefusal == true {
                    // Why the reflector ended the test says more than what that did to the engine.
                    let theirs = try? await client.result(of: grant.testID)
                    try theirs?.requireOrderlyEnd(spentCounts: false)
                }
                throw error
            }
            own.askedSec = params.durationSec
            let used = CPUTime.process() - cpu
            probe?.stop()
            let samples = try await probe?.samples()
            let theirs = try await client.result(of: grant.testID)
            try theirs.requireOrderlyEnd(spentCounts: true)
            if own.engine == .native, let seconds = own.directions.map(\.durationSec).max(), seconds > 0 {
                own.clientCPUPercent = used.seconds / seconds * 100
            }
            if let rate = params.bitrateBps {
                own.notes.append("limited to \(Quantity.rate(Double(rate))) in each direction, as was asked for")
            } else if params.transport == .udp {
                own.notes.append("UDP ran at iperf3's own 1 Mbit/s for each stream; ask for another with --bitrate")
            }
            if let reason = theirs.endReason, reason == EndReason.budgetSpent.rawValue {
                own.notes.append("the day's byte quota ended the test early")
            }
            var merged = own
            if var half = theirs.throughput {
                // What was not asked for was not measured, whatever the reflector says.
                half.directions.removeAll { !params.directions.contains($0.direction) }
                merged = .merging(client: own, server: half)
            }
            merged.fillUpload(received: theirs.bytesUp)
            guard let probe, let samples else { return (merged, nil) }
            var counts = theirs.echo
            if counts == nil {
                counts = try? await closingResult(of: grant.testID).echo
            }
            return (merged, probe.result(samples, report: counts))
        }
    }

    private func run(
        _ grant: SessionGrant,
        _ params: SessionParameters,
        _ meters: ClientMeters
    ) async throws -> ThroughputResult {
        switch (grant.engine ?? .iperf3, grant.mode) {
        case (.native, .tunneled):
            try await NativeThroughput(
                address: address,
                context: context,
                grant: grant,
                params: params,
                meters: meters
            ).run()
            return meters.result(
                engine: .native,
                mode: .tunneled,
                streams: grant.streams ?? params.streams ?? 1,
                cpu: nil
            )
        case (.native, .directEphemeral):
            return try await DirectNativeClient(grant: grant, params: params, meters: meters)
                .run(host: client.remoteHost ?? address.host)
        case (.iperf3, _):
            return try await IperfClient(
                address: address,
                context: context,
                executable: iperfPath,
                grant: grant,
                params: params,
                meters: meters
            ).run(host: client.remoteHost ?? address.host)
        }
    }

    private static func report(
        _ meters: ClientMeters,
        _ onProgress: @Sendable (ThroughputProgress) -> Void
    ) async throws {
        var before = (up: 0, down: 0)
        var last = ContinuousClock.now
        var second = 0
        while true {
            try await Task.sleep(for: .seconds(1))
            let now = ContinuousClock.now
            let seconds = (now - last) / .seconds(1)
            let current = (up: meters.up.bytes, down: meters.down.bytes)
            second += 1
            onProgress(
                ThroughputProgress(
                    second: second,
                    upBitsPerSecond: Double(current.up - before.up) * 8 / seconds,
                    downBitsPerSecond: Double(current.down - before.down) * 8 / seconds
                )
            )
            before = current
            last = now
        }
    }
}
