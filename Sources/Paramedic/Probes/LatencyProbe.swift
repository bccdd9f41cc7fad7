internal import LinkMeasurement
internal import NIOCore
internal import NIOSSL
internal import Operations
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// Echo probes over the grant's transport: UDP, or inside TLS.
package protocol LatencyProbe: Sendable {
    /// Starts once and returns the samples of the whole run.
    func samples() async throws -> EchoSamples
    /// Sends no more; `samples()` returns when the last replies have arrived.
    func stop()
    /// Ends at once.
    func cancel()
    /// Why it ended before its time, if the far end caused that.
    var cut: (any Error)? { get }
}

/// A probe that is under way.
struct RunningProbe: Sendable {
    let transport: LatencyResult.Transport
    let intervalMs: Double
    let payloadBytes: Int
    /// The target of a direct probe, for messages.
    let target: InternetAddress?
    private let probe: any LatencyProbe
    private let task: Task<EchoSamples, any Error>

    init(
        _ probe: any LatencyProbe,
        transport: LatencyResult.Transport,
        intervalMs: Double,
        payloadBytes: Int,
        target: InternetAddress? = nil
    ) {
        self.probe = probe
        self.target = target
        self.transport = transport
        self.intervalMs = intervalMs
        self.payloadBytes = payloadBytes
        self.task = Task { try await probe.samples() }
    }

    /// Those of the whole run. If the caller is canceled, the probe ends at once, and this throws.
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

    /// Once there are samples.
    var cut: (any Error)? { probe.cut }

    /// Throws if none came back through a tunnel without other load, which loses nothing.
    func requireAnswers(_ samples: EchoSamples) throws {
        guard transport == .tunneled, samples.sent > 0, samples.received == 0 else { return }
        throw ParamedicError.invalid(
            "the tunnel of the probes does not answer: none of \(Quantity.count(samples.sent)) came back, although a tunnel loses "
                + "nothing; the reflector does not answer them, or the network between has failed"
        )
    }

    func cancel() {
        probe.cancel()
        task.cancel()
    }

    /// Throws if nothing was measured: no probe left, or none arrived, which says nothing about a link that carries the
    /// control connection.
    func result(_ samples: EchoSamples, report: EchoReport?) throws -> LatencyResult {
        let host = samples.host
        guard samples.sent > 0 || host.notSent == 0 else {
            throw ParamedicError.invalid(
                "none of \(Quantity.count(host.notSent)) probes could leave this machine: "
                    + "\(host.sendError ?? "the system delivered no reason")"
            )
        }
        if let target, samples.sent > 0, samples.received == 0, (report?.received ?? 0) == 0 {
            let refused = host.refusals > 0 ? " (the network reports it as closed)" : ""
            throw ParamedicError.invalid(
                "UDP port \(target.port) of \(target.host) does not answer\(refused): is it open? None of "
                    + "\(Quantity.count(samples.sent)) probes arrived, but the control connection works; a firewall must let the "
                    + "reflector's data ports through for UDP, too"
            )
        }
        var counters = report.map(ProbeCounters.init(_:))
        // Probes that were in flight when the test ended may have arrived since.
        if host.inFlight > 0, let count = counters?.received { counters?.received = min(count, UInt64(samples.sent)) }
        return LatencyAnalysis.result(
            samples: samples.probeSamples,
            counters: counters,
            transport: transport,
            intervalMs: intervalMs,
            payloadBytes: payloadBytes,
            host: host
        )
    }
}

extension RunningProbe {
    /// `cause`, with what was measured until the last reply: later probes had no one to answer them.
    func partly(_ samples: EchoSamples, report: EchoReport?, _ cause: any Error) -> any Error {
        guard samples.received > 0 else { return cause }
        var answered = samples
        answered.leaveOutTail()
        guard let result = try? result(answered, report: report) else { return cause }
        return PartlyMeasured(result: .latency(result), cause: cause)
    }
}

extension EchoProber: LatencyProbe {
    /// Datagrams have no end that could come early.
    package var cut: (any Error)? { nil }
}

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
    /// Whether a probe left and could have arrived.
    private func isSample(_ sequence: Int) -> Bool {
        sendTimes[sequence] != 0 && (sequence >= tooLargeBefore || receiveTimes[sequence] != 0)
    }

    /// What this machine did to the probes.
    var host: ProbingHost {
        var host = ProbingHost()
        host.notSent = sendFailures
        host.sendError = sendError == 0 ? nil : SystemError.reason(of: sendError)
        host.tooLarge = (0..<min(tooLargeBefore, count)).count { sendTimes[$0] != 0 && receiveTimes[$0] == 0 }
        host.pathMTU = pathMTU
        host.skipped = skipped
        host.inFlight = inFlight
        host.kernelDrops = kernelDrops
        host.strays = strays
        host.refusals = refusals
        return host
    }

    /// The samples for the analysis; without probes that this machine could not send or that were too large.
    var probeSamples: [ProbeSample] {
        (0..<count).compactMap { sequence in
            guard isSample(sequence) else { return nil }
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
