package import LinkMeasurement
internal import NIOSSL
internal import Operations

/// What a throughput test has moved so far, for a live line.
package struct ThroughputProgress: Sendable {
    package let second: Int
    package let upBitsPerSecond: Double
    package let downBitsPerSecond: Double
}

extension Examiner {
    /// A throughput test, with the latency under it if `params.latencyProbe` is set. Throws ``PartlyMeasured`` if it
    /// fails after bytes have moved.
    package func throughput(
        _ params: SessionParameters,
        probeIntervalMs: Double? = nil,
        onProgress: @escaping @Sendable (ThroughputProgress) -> Void = { _ in }
    ) async throws -> (ThroughputResult, LatencyResult?) {
        var params = params
        if params.engine == .iperf3 || params.transport == .udp {
            params.iperfVersion = await IperfProgram.find(iperfPath)?.version?.text
        }
        return try await withSession(SessionRequest(testType: .throughput, params: params)) { [params] grant, closing in
            let meters = ClientMeters(seconds: params.durationSec)
            let pauses = SuspensionDetector()
            let live = Task { try await Self.report(meters, pauses, onProgress) }
            defer { live.cancel() }
            let probe = try await startProbe(grant, params, intervalMs: probeIntervalMs)
            let halves: Halves
            do {
                halves = try await run(grant, params, meters) { probe?.stop() }
            } catch {
                probe?.cancel()
                try Task.checkCancellation()
                // A refused stream may be one that arrives after the end.
                if error is ParamedicError || (error as? LinkClientError)?.isRefusal == true {
                    // The reflector's reason for ending the test explains more than its effect on the engine.
                    let theirs = try? await client.result(of: grant.testID)
                    try theirs?.requireOrderlyEnd(spentCounts: false)
                }
                throw pauses.explained(error)
            }
            var own = halves.own
            own.askedSec = params.durationSec
            let cut = halves.cut
            if let words = pauses.words { own.notes.append(words) }
            let samples = try await probe?.samples()
            let theirs: SessionResult
            do {
                theirs = try halves.theirs.get()
                try theirs.requireOrderlyEnd(spentCounts: true)
            } catch {
                try Task.checkCancellation()
                throw pauses.explained(own.partly(error))
            }
            if let rate = params.bitrateBps {
                own.notes.append("limited to the requested \(Quantity.rate(Double(rate))) in each direction")
            } else if params.transport == .udp {
                own.notes.append("UDP ran at iperf3's own 1 Mbit/s per stream; set another rate with --bitrate")
            }
            if let reason = theirs.endReason, reason == EndReason.budgetSpent.rawValue {
                own.notes.append("the day's byte quota ended the test early")
            }
            var merged = own
            if var half = theirs.throughput {
                // A direction that was not requested was not measured, whatever the reflector says.
                half.directions.removeAll { !params.directions.contains($0.direction) }
                merged = .merging(client: own, server: half)
            }
            merged.fillUpload(received: theirs.bytesUp)
            merged.noteSilence()
            // A quota ends streams and probes at once, possibly before the first byte.
            let isSpent = theirs.endReason == EndReason.budgetSpent.rawValue
            if !isSpent, let failure: any Error = cut ?? merged.nothingArrived(of: params) as (any Error)? {
                throw pauses.explained(merged.partly(failure))
            }
            if params.bitrateBps == nil { merged.noteSlowness() }
            guard let probe, let samples else { return (merged, nil) }
            var counts = theirs.echo
            if counts == nil {
                counts = try? await closing.result().echo
            }
            if !isSpent, let cut = probe.cut { throw pauses.explained(merged.partly(cut)) }
            return (merged, try probe.result(samples, report: counts))
        }
    }

    /// What the two ends know of a test.
    private struct Halves {
        var own: ThroughputResult
        /// Requested at once, before bytes in transit are cut off.
        let theirs: Result<SessionResult, any Error>
        /// A stream that ended long before its time.
        var cut: CutStream?
    }

    private func run(
        _ grant: SessionGrant,
        _ params: SessionParameters,
        _ meters: ClientMeters,
        _ onOver: () -> Void
    ) async throws -> Halves {
        let begin = ProcessorMark.now()
        let streams = grant.streams ?? params.streams ?? 1
        switch (grant.engine ?? .iperf3, grant.mode) {
        case (.native, .tunneled):
            let native = NativeThroughput(
                address: address,
                context: context,
                grant: grant,
                params: params,
                meters: meters
            )
            return try await native.run { cut in
                let use = ProcessorMark.now().use(since: begin)
                let own = meters.result(engine: .native, mode: .tunneled, streams: streams)
                onOver()
                return Halves(own: own.with(use), theirs: await theirs(of: grant.testID), cut: cut)
            }
        case (.native, .directEphemeral):
            let direct = DirectNativeClient(grant: grant, params: params, meters: meters)
            let (own, busiestThread, cut) = try await direct.run(host: client.remoteHost ?? address.host)
            let use = ProcessorMark.now().use(since: begin, ended: busiestThread)
            onOver()
            return Halves(own: own.with(use), theirs: await theirs(of: grant.testID), cut: cut)
        case (.iperf3, _):
            let own = try await IperfClient(
                address: address,
                context: context,
                executable: iperfPath,
                grant: grant,
                params: params,
                meters: meters
            ).run(host: client.remoteHost ?? address.host)
            onOver()
            return Halves(own: own, theirs: await theirs(of: grant.testID))
        }
    }

    private func theirs(of testID: String) async -> Result<SessionResult, any Error> {
        do {
            return .success(try await client.result(of: testID))
        } catch {
            return .failure(error)
        }
    }

    private static func report(
        _ meters: ClientMeters,
        _ pauses: SuspensionDetector,
        _ onProgress: @Sendable (ThroughputProgress) -> Void
    ) async throws {
        var before = (up: 0, down: 0)
        var last = ContinuousClock.now
        var second = 0
        while true {
            try await Task.sleep(for: .seconds(1))
            let now = ContinuousClock.now
            let seconds = (now - last) / .seconds(1)
            pauses.note(seconds, insteadOf: 1)
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

extension ThroughputResult {
    fileprivate func with(_ use: ProcessorUse) -> ThroughputResult {
        var result = self
        result.clientCPUPercent = use.percent
        result.clientThreadPercent = use.busiestThreadPercent
        return result
    }

    /// The error with what was measured until then, if bytes have moved.
    fileprivate func partly(_ cause: any Error) -> any Error {
        guard directions.contains(where: { ($0.bytes ?? 0) > 0 }) else { return cause }
        var result = self
        if let up = result[.up], up.bitsPerSecondReceived == nil {
            result.notes.append(
                "it is not known what arrived of the upload: the figures are what was handed to the network"
            )
        }
        if !result.notes.contains(where: { $0.hasPrefix("nothing arrived") }) { result.noteSilence() }
        result.notes.append("the test was not finished: \(cause)")
        return PartlyMeasured(result: .throughput(result), cause: cause)
    }

    /// The first requested direction whose receiver counted no byte. For UDP that counts as loss.
    fileprivate func nothingArrived(of params: SessionParameters) -> NothingArrived? {
        guard transport == .tcp else { return nil }
        let empty = params.directions.first { direction in
            self[direction].map { $0.bytesReceived == 0 } ?? false
        }
        return empty.map { NothingArrived(direction: $0, seconds: params.durationSec) }
    }

    /// Notes a rate too low to be a measure of the link.
    mutating func noteSlowness() {
        for moved in directions {
            guard let rate = moved.bitsPerSecond, rate < VerdictThresholds.slowestMeasured else { continue }
            notes.append(
                "inconclusive: \(moved.direction.rawValue) was below "
                    + "\(Quantity.trimmed(Quantity.rate(VerdictThresholds.slowestMeasured))), where TCP's first losses take part of the test; "
                    + "the link may carry more"
            )
        }
    }

    /// Notes since when nothing arrived.
    mutating func noteSilence() {
        for moved in directions {
            guard let since = moved.silentSinceSec else { continue }
            notes.append(
                "nothing arrived \(moved.direction.rawValue) from \(Quantity.seconds(since)) on; the rate covers "
                    + "all \(Quantity.seconds(moved.durationSec))"
            )
        }
    }
}
