internal import LinkMeasurement

/// Turns the samples of a latency test into a ``LatencyResult``. Pure.
package enum LatencyAnalysis {
    /// Points in ``LatencyResult/series``: about two per pixel column of the widest plot.
    package static let mostPoints = 600
    /// A larger difference between two successive transit times means a clock that was set, or a reflector that invents
    /// its times; it is left out of the one-way jitter.
    static let implausibleTransitStepMs = 60_000.0

    /// The result of a test in which each of `samples` was sent once.
    ///
    /// - Parameters:
    ///   - samples: One for each sent datagram, in any order.
    ///   - counters: What the reflector counted, nil if it did not report it.
    ///   - transport: How the datagrams traveled.
    ///   - intervalMs: Their interval.
    ///   - payloadBytes: Length of a datagram's payload.
    ///   - host: What this machine did to the probes; none of that counts against the link.
    package static func result(
        samples: [ProbeSample],
        counters: ProbeCounters?,
        transport: LatencyResult.Transport,
        intervalMs: Double,
        payloadBytes: Int,
        host: ProbingHost = ProbingHost()
    ) -> LatencyResult {
        let bySequence = samples.sorted { ($0.sequence, $0.sentNs) < ($1.sequence, $1.sentNs) }
        let arrived = inOrderOfArrival(samples)
        let sorted = arrived.compactMap(\.roundTripMs).sorted()
        let rtt = Distribution(sorted: sorted)
        let missing = Missing(
            sent: samples.count,
            received: arrived.count,
            counters: counters,
            kernelDrops: host.kernelDrops
        )
        var result = LatencyResult(
            transport: transport,
            intervalMs: Optional(intervalMs).bounded(by: ThroughputBounds.durationSec * 1000) ?? 0,
            payloadBytes: max(payloadBytes, 0),
            sent: samples.count,
            received: arrived.count,
            duplicates: samples.reduce(0) { $0.addingHeld(max($1.duplicates, 0)) },
            lost: missing.lost,
            lossPercent: missing.lossPercent,
            lostUp: missing.up,
            lostDown: missing.down,
            rateLimited: missing.rateLimited,
            reorderedUp: missing.up == nil ? nil : counters.flatMap { Int(exactly: $0.reordered) },
            reorderedDown: reorderedDown(arrived),
            rtt: rtt,
            jitterMs: jitter(arrived.map(\.roundTripMs)),
            jitterUpMs: jitter(arrived.map(\.transitUpMs)),
            jitterDownMs: jitter(arrived.map(\.transitDownMs)),
            ipdv: Distribution(of: delayVariations(bySequence)),
            reflectorTurnaround: Distribution(of: arrived.compactMap(\.turnaroundMs)),
            histogram: rtt.map { HistogramBin.bins(sorted: sorted, p99: $0.p99) } ?? [],
            series: series(samples.sorted { $0.sentNs < $1.sentNs })
        )
        result.note(host)
        return result
    }

    private static func inOrderOfArrival(_ samples: [ProbeSample]) -> [ProbeSample] {
        let arrived = samples.filter { $0.receivedNs != nil }
        let ordered = arrived.allSatisfy { $0.arrivalOrder != nil }
        return arrived.sorted { first, second in
            ordered
                ? (first.arrivalOrder ?? 0) < (second.arrivalOrder ?? 0)
                : (first.receivedNs ?? 0, first.sequence) < (second.receivedNs ?? 0, second.sequence)
        }
    }

    /// What happened to the probes without a reply.
    private struct Missing {
        /// On the link, in both directions.
        let lost: Int
        /// Of the probes that could have been answered.
        let lossPercent: Double
        let up: Int?
        let down: Int?
        /// Dropped by the reflector on purpose: not loss on the link.
        let rateLimited: Int?

        /// Loss by direction follows from three counts that can only fall along the way; a reflector whose count is not
        /// between the client's two is not believed.
        init(sent: Int, received: Int, counters: ProbeCounters?, kernelDrops: Int) {
            // A reply that this machine dropped came over the link; a duplicate among them cannot be recognized.
            let missing = max(0, sent - received - max(0, kernelDrops))
            if let counters, let there = Int(exactly: counters.received), there <= sent, there >= received,
                counters.reordered <= counters.received
            {
                let unanswered = max(0, there - received - max(0, kernelDrops))
                let limited = min(Int(clamping: counters.rateLimited), unanswered)
                (up, down, rateLimited) = (sent - there, unanswered - limited, limited)
                lost = max(0, missing - limited)
            } else {
                (up, down, rateLimited) = (nil, nil, nil)
                lost = missing
            }
            let answerable = received + lost
            lossPercent = answerable > 0 ? Double(lost) * 100 / Double(answerable) : 0
        }
    }

    /// Replies that the reflector sent before one that arrived earlier. Nil if a reply lacks the reflector's time.
    private static func reorderedDown(_ arrived: [ProbeSample]) -> Int? {
        var highest: UInt64 = 0
        var count = 0
        for sample in arrived {
            guard let sent = sample.serverSentNs else { return nil }
            if sent < highest { count += 1 }
            highest = max(highest, sent)
        }
        return arrived.isEmpty ? nil : count
    }

    /// RFC 3550 6.4.1: J += (|D| − J) / 16. Starts at zero with the first pair; nil without a pair.
    private static func jitter(_ transits: [Double?]) -> Double? {
        var estimate: Double?
        var previous: Double?
        for transit in transits {
            guard let transit else { continue }
            if let previous {
                let difference = (transit - previous).magnitude
                if difference <= implausibleTransitStepMs {
                    estimate = (estimate ?? 0) + (difference - (estimate ?? 0)) / 16
                }
            }
            previous = transit
        }
        return estimate
    }

    private static func delayVariations(_ bySequence: [ProbeSample]) -> [Double] {
        zip(bySequence, bySequence.dropFirst()).compactMap { first, second in
            guard second.sequence &- first.sequence == 1, let before = first.roundTripMs, let after = second.roundTripMs
            else { return nil }
            return (after - before).magnitude
        }
    }

    /// All points if they fit; else the slowest reply of each group of neighbors, and a gap if one of them was lost, so
    /// that neither a spike nor a loss disappears from the plot.
    private static func series(_ bySending: [ProbeSample]) -> [LatencyPoint] {
        guard let start = bySending.first?.sentNs else { return [] }
        func point(_ sample: ProbeSample) -> LatencyPoint {
            LatencyPoint(timeSec: Double(sample.sentNs - start) / 1e9, rttMs: sample.roundTripMs)
        }
        guard bySending.count > mostPoints else { return bySending.map(point) }
        let groups = mostPoints / 2
        return (0..<groups).flatMap { group in
            let members = bySending[(bySending.count * group / groups)..<(bySending.count * (group + 1) / groups)]
            let slowest = members.max { ($0.roundTripMs ?? -1) < ($1.roundTripMs ?? -1) }
            let lost = members.first { $0.roundTripMs == nil }
            let shown = slowest?.sequence == lost?.sequence ? [lost] : [slowest, lost]
            return shown.compactMap { $0.map(point) }.sorted { $0.timeSec < $1.timeSec }
        }
    }
}

extension ProbeSample {
    /// Nil without a reply, and for a reply that arrived before its probe was sent, which is impossible.
    var roundTripMs: Double? {
        guard let receivedNs, receivedNs >= sentNs else { return nil }
        return Double(receivedNs - sentNs) / 1e6
    }

    /// Differences of two unrelated clocks: only differences between them are meaningful.
    var transitUpMs: Double? {
        serverReceivedNs.map { Double(Int64(bitPattern: $0 &- sentNs)) / 1e6 }
    }

    var transitDownMs: Double? {
        guard let receivedNs, let serverSentNs else { return nil }
        return Double(Int64(bitPattern: receivedNs &- serverSentNs)) / 1e6
    }

    /// Nil if the reflector's times contradict each other or claim more than the whole round trip.
    var turnaroundMs: Double? {
        guard let serverReceivedNs, let serverSentNs, serverSentNs >= serverReceivedNs, let roundTripMs else {
            return nil
        }
        let turnaround = Double(serverSentNs - serverReceivedNs) / 1e6
        return turnaround <= roundTripMs ? turnaround : nil
    }
}
