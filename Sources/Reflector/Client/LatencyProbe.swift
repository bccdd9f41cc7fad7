internal import NIOCore
internal import NIOSSL
package import PacketIO
internal import Synchronization

/// Echo probes over whichever way the grant opened: UDP, or inside TLS.
package protocol LatencyProbe: Sendable {
    /// Starts once and returns the samples of the whole run.
    func samples() async throws -> EchoSamples
    /// Sends no more; `samples()` returns when the last replies are in.
    func stop()
    /// Ends at once.
    func cancel()
}

/// A probe that is under way.
struct RunningProbe: Sendable {
    let transport: LatencyResult.Transport
    let intervalMs: Double
    let payloadBytes: Int
    private let probe: any LatencyProbe
    private let task: Task<EchoSamples, any Error>

    init(_ probe: any LatencyProbe, transport: LatencyResult.Transport, intervalMs: Double, payloadBytes: Int) {
        self.probe = probe
        self.transport = transport
        self.intervalMs = intervalMs
        self.payloadBytes = payloadBytes
        self.task = Task { try await probe.samples() }
    }

    /// Those of the whole run. When the caller is cancelled the probe ends at once, and this throws.
    func samples() async throws -> EchoSamples {
        let samples = try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            cancel()
        }
        try Task.checkCancellation()
        return samples
    }

    func stop() { probe.stop() }

    func cancel() {
        probe.cancel()
        task.cancel()
    }

    func result(_ samples: EchoSamples, report: EchoReport?) -> LatencyResult {
        LatencyAnalysis.result(
            samples: samples.probeSamples,
            counters: report.map(ProbeCounters.init(_:)),
            transport: transport,
            intervalMs: intervalMs,
            payloadBytes: payloadBytes
        )
    }
}

extension EchoProber: LatencyProbe {}

extension ProbeCounters {
    init(_ report: EchoReport) {
        self.init(
            received: UInt64(clamping: report.received),
            reordered: UInt64(clamping: report.reordered),
            highestSequence: report.highestSequence ?? 0,
            rateLimited: UInt64(clamping: report.rateLimited)
        )
    }
}

extension EchoSamples {
    /// In the shape that the analysis takes; what this machine could not send is no sample.
    var probeSamples: [ProbeSample] {
        (0..<count).compactMap { sequence in
            guard sendTimes[sequence] != 0 else { return nil }
            let answered = receiveTimes[sequence] != 0
            return ProbeSample(
                sequence: UInt64(sequence),
                sentNs: UInt64(clamping: sendTimes[sequence]),
                receivedNs: answered ? UInt64(clamping: receiveTimes[sequence]) : nil,
                serverReceivedNs: answered ? UInt64(clamping: serverReceiveTimes[sequence]) : nil,
                serverSentNs: answered ? UInt64(clamping: serverSendTimes[sequence]) : nil,
                duplicates: Int(duplicates[sequence]),
                arrivalOrder: answered ? Int(arrivalOrder[sequence]) : nil
            )
        }
    }
}
