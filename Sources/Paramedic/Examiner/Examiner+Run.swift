internal import FoundationEssentials
package import Identity
package import LinkMeasurement
internal import NIOCore
internal import Operations

/// The tests of `paramedic run` and their lengths.
package struct ExaminationPlan: Sendable {
    /// Seconds of the latency test.
    package var latencySec = 5
    /// Seconds of each throughput test.
    package var throughputSec = 5
    /// Seconds of each phase of the bufferbloat test.
    package var bufferbloatSec = 5
    package var streams: Int?
    package var engine: ThroughputEngine?

    /// How many of the hour's tests it takes: latency, two throughputs, four phases of bufferbloat.
    package static let tests = 3 + BufferbloatResult.Phase.allCases.count

    package init() {}
}

/// The current step of an examination.
package enum ExaminationStep: Sendable, Equatable {
    case latency
    case download
    case upload
    case bufferbloat(BufferbloatResult.Phase)

    /// Its number among the ``ExaminationPlan/tests``, from 1.
    package var number: Int {
        switch self {
        case .latency: 1
        case .download: 2
        case .upload: 3
        case .bufferbloat(let phase): 4 + (BufferbloatResult.Phase.allCases.firstIndex(of: phase) ?? 0)
        }
    }

    package var title: String {
        switch self {
        case .latency: "latency"
        case .download: "download"
        case .upload: "upload"
        case .bufferbloat(.idle): "latency without load"
        case .bufferbloat(.download): "latency while downloading"
        case .bufferbloat(.upload): "latency while uploading"
        case .bufferbloat(.both): "latency while loading both directions"
        }
    }
}

extension Examiner {
    /// The whole examination. A part that fails becomes a note; the others still run, unless the reflector is gone.
    /// Throws ``NothingMeasured`` if all fail.
    package func examine(
        _ plan: ExaminationPlan,
        reflectorName: String,
        ownID: EndpointID,
        onStep: @escaping @Sendable (ExaminationStep) -> Void,
        onThroughput: @escaping @Sendable (ThroughputProgress) -> Void = { _ in }
    ) async throws -> Examination {
        let (started, begin) = (Timestamp.now, ContinuousClock.now)
        let ownAddress = client.localHost ?? ""
        let metadata = PathMetadataCollector(buildVersion: BuildVersion.version, buildHash: BuildVersion.commit)
        let ownBefore = try? await metadata.collect(localAddress: ownAddress)
        let theirsBefore = try await client.pathMetadata()
        var attempts = ExaminationAttempts(client)
        let hourly = hello.policySummary.maxTestsPerHour
        if hourly < ExaminationPlan.tests {
            notice(
                .remark(
                    "an examination takes \(ExaminationPlan.tests) tests and this reflector allows \(hourly) an hour: "
                        + "it will deny the last parts"
                )
            )
        }

        onStep(.latency)
        let latency = try await attempts.attempt("latency") {
            try await self.latency(LatencyPlan(durationSec: plan.latencySec))
        }
        var throughputs: [StreamDirection: ThroughputResult] = [:]
        for direction in [StreamDirection.down, .up] {
            onStep(direction == .down ? .download : .upload)
            throughputs[direction] = try await attempts.attempt(direction == .down ? "download" : "upload") {
                let params = SessionParameters(
                    durationSec: plan.throughputSec,
                    transport: .tcp,
                    streams: plan.streams,
                    reverse: direction == .down,
                    engine: plan.engine
                )
                return try await self.throughput(params, onProgress: onThroughput).0
            }
        }
        let bufferbloat = try await attempts.attempt("bufferbloat") {
            try await self.bufferbloat(
                seconds: plan.bufferbloatSec,
                streams: plan.streams,
                engine: plan.engine,
                linkDown: throughputs[.down]?[.down]?.bitsPerSecond,
                linkUp: throughputs[.up]?[.up]?.bitsPerSecond,
                onPhase: { onStep(.bufferbloat($0)) },
                onProgress: onThroughput
            )
        }
        guard latency != nil || !throughputs.isEmpty || bufferbloat != nil else {
            throw NothingMeasured(parts: attempts.failures)
        }
        if let failure = bufferbloat?.failure { await attempts.consider(failure) }
        let theirsAfter = attempts.lost == nil ? try? await client.pathMetadata() : nil
        let ownAfter = try? await metadata.collect(localAddress: ownAddress)
        try Task.checkCancellation()
        return Examination(
            id: UUID().uuidString.lowercased(),
            startedAt: started,
            // On the monotonic clock: the wall clock may be set meanwhile.
            finishedAt: Timestamp(
                microseconds: started.microseconds + Int64((ContinuousClock.now - begin) / .microseconds(1))
            ),
            client: ExaminedMachine(
                name: "this machine",
                id: ownID.description,
                address: ownAddress,
                version: BuildVersion.version,
                cores: System.coreCount,
                nicBitsPerSecond: HostFacts.real.linkSpeed(localAddress: ownAddress),
                pathBefore: ownBefore,
                pathAfter: ownAfter
            ),
            reflector: ExaminedMachine(
                name: reflectorName,
                id: address.endpointID.description,
                address: address.hostAndPort,
                version: theirsBefore.buildVersion,
                pathBefore: theirsBefore,
                pathAfter: theirsAfter
            ),
            mode: throughputs.values.first?.mode ?? (latency?.transport == .udp ? .directEphemeral : .tunneled),
            latency: latency,
            download: throughputs[.down],
            upload: throughputs[.up],
            bufferbloat: bufferbloat?.result,
            notMeasured: attempts.failures.map { UnmeasuredPart(part: $0.name, reason: "\($0.error)") },
            notes: Self.notes(attempts.failures, bufferbloat?.result)
                + [Self.probeLoad(latency, throughputs.values.compactMap(\.slowest))].compactMap { $0 }
        )
    }

    /// The share of the slower direction that the latency test's probes took; nil if that is little, or not known.
    static func probeLoad(_ latency: LatencyResult?, _ rates: [Double]) -> String? {
        guard let latency, let rate = rates.min(), rate > 0 else { return nil }
        let share = latency.probeBitsPerSecond / rate
        guard share > mostProbeShare else { return nil }
        let interval = LatencyPlan.intervalMs(sparing: rate, transport: latency.transport)
        return "the probes of the latency test took \(Quantity.rate(latency.probeBitsPerSecond)) of the "
            + "\(Quantity.rate(rate)) that the link carries, so they measured their own queue: measure it again with "
            + "`paramedic latency --interval \(Quantity.fixed(interval.rounded(.up), decimals: 0))`"
    }

    /// Of the link; a larger share is reported.
    private static let mostProbeShare = 0.05

    /// What is missing: a sentence for each part, and one for all missing phases of bufferbloat, which share their
    /// reason.
    private static func notes(_ failures: [NothingMeasured.Part], _ bufferbloat: BufferbloatResult?) -> [String] {
        failures.map { "\($0.name) was not measured: \($0.error)" }
            + [bufferbloat?.notMeasuredWords].compactMap { $0 }
    }
}

extension ThroughputResult {
    /// Bits per second of its slower direction.
    fileprivate var slowest: Double? { directions.compactMap(\.bitsPerSecond).min() }
}
