/// A latency test: round trips, their variation, loss and reordering.
package struct LatencyResult: Codable, Sendable, Equatable {
    package enum Transport: String, Codable, Sendable {
        case udp
        /// Inside the mutual-TLS connection: TCP hides loss and reordering, and turns them into delay.
        case tunneled
    }

    package var transport: Transport
    package var intervalMs: Double
    package var payloadBytes: Int
    package var sent: Int
    /// Probes with at least one reply.
    package var received: Int
    /// Replies after the first.
    package var duplicates: Int
    /// Lost on the link; what the reflector dropped on purpose is in ``rateLimited``.
    package var lost: Int
    /// Of the probes that the reflector did not drop on purpose.
    package var lossPercent: Double
    /// Lost on the way to the reflector; nil without credible counters from the reflector.
    package var lostUp: Int?
    /// Lost on the way back; nil without credible counters from the reflector.
    package var lostDown: Int?
    /// Arrived at the reflector, which dropped them because they came faster than it allows
    /// (`limits.udp_echo_max_pps`), or because the day's bytes were spent; nil without credible counters from the
    /// reflector.
    package var rateLimited: Int?
    package var reorderedUp: Int?
    package var reorderedDown: Int?
    /// Round-trip times, the reflector's turnaround included.
    package var rtt: Distribution?
    /// RFC 3550 6.4.1, over replies in order of arrival: RTT of one reply less RTT of the reply before it.
    package var jitterMs: Double?
    /// The same from one-way transit times toward the reflector.
    package var jitterUpMs: Double?
    /// The same from one-way transit times back.
    package var jitterDownMs: Double?
    /// RFC 3393, RTT based: absolute differences between answered probes with consecutive sequence numbers.
    package var ipdv: Distribution?
    /// From the reflector's receipt to its reply.
    package var reflectorTurnaround: Distribution?
    /// What this machine did to probes, none of which is loss on the link; each nil if it did not happen. See
    /// ``ProbingHost``. Probes that were not sent, too large, skipped or in flight are not in ``sent``.
    package var notSent: Int?
    package var sendError: String?
    package var tooLarge: Int?
    package var pathMTU: Int?
    package var skipped: Int?
    package var inFlight: Int?
    package var kernelDrops: Int?
    package var strays: Int?
    package var refusals: Int?
    package var histogram: [HistogramBin]
    /// At most ``LatencyAnalysis/mostPoints`` points in order of sending.
    package var series: [LatencyPoint]

    package init(
        transport: Transport,
        intervalMs: Double,
        payloadBytes: Int,
        sent: Int,
        received: Int,
        duplicates: Int = 0,
        lost: Int = 0,
        lossPercent: Double = 0,
        lostUp: Int? = nil,
        lostDown: Int? = nil,
        rateLimited: Int? = nil,
        reorderedUp: Int? = nil,
        reorderedDown: Int? = nil,
        rtt: Distribution? = nil,
        jitterMs: Double? = nil,
        jitterUpMs: Double? = nil,
        jitterDownMs: Double? = nil,
        ipdv: Distribution? = nil,
        reflectorTurnaround: Distribution? = nil,
        histogram: [HistogramBin] = [],
        series: [LatencyPoint] = []
    ) {
        self.transport = transport
        self.intervalMs = intervalMs
        self.payloadBytes = payloadBytes
        self.sent = sent
        self.received = received
        self.duplicates = duplicates
        self.lost = lost
        self.lossPercent = lossPercent
        self.lostUp = lostUp
        self.lostDown = lostDown
        self.rateLimited = rateLimited
        self.reorderedUp = reorderedUp
        self.reorderedDown = reorderedDown
        self.rtt = rtt
        self.jitterMs = jitterMs
        self.jitterUpMs = jitterUpMs
        self.jitterDownMs = jitterDownMs
        self.ipdv = ipdv
        self.reflectorTurnaround = reflectorTurnaround
        self.histogram = histogram
        self.series = series
    }

    /// The reflector dropped more than half of the probes on purpose: the rest describes its limit, not the link.
    package var isMostlyRateLimited: Bool { (rateLimited ?? 0) > sent / 2 }

    /// Probes a second that the reflector let through, if it dropped any; rounded, because its limit is an integer.
    package var allowedPerSecond: Int? {
        guard let rateLimited, rateLimited > 0, sent > 0, intervalMs > 0 else { return nil }
        return Int(exactly: (Double(sent - rateLimited) / Double(sent) * 1_000 / intervalMs).rounded())
    }

    mutating func note(_ host: ProbingHost) {
        func some(_ count: Int) -> Int? { count > 0 ? count : nil }
        (notSent, tooLarge, skipped) = (some(host.notSent), some(host.tooLarge), some(host.skipped))
        (inFlight, kernelDrops) = (some(host.inFlight), some(host.kernelDrops))
        (strays, refusals) = (some(host.strays), some(host.refusals))
        sendError = notSent == nil ? nil : host.sendError
        pathMTU = host.pathMTU
    }

    /// Bits a second of the probes in each direction: IPv4, UDP and Ethernet add 42 bytes to each, TLS and TCP some 136
    /// with their acknowledgment.
    package var probeBitsPerSecond: Double {
        guard intervalMs > 0 else { return 0 }
        return Double(payloadBytes + (transport == .udp ? 42 : 136)) * 8_000 / intervalMs
    }

    private enum CodingKeys: String, CodingKey {
        case transport
        case intervalMs = "interval_ms"
        case payloadBytes = "payload_bytes"
        case sent
        case received
        case duplicates
        case lost
        case lossPercent = "loss_percent"
        case lostUp = "lost_up"
        case lostDown = "lost_down"
        case rateLimited = "rate_limited"
        case reorderedUp = "reordered_up"
        case reorderedDown = "reordered_down"
        case rtt
        case jitterMs = "jitter_ms"
        case jitterUpMs = "jitter_up_ms"
        case jitterDownMs = "jitter_down_ms"
        case ipdv
        case reflectorTurnaround = "reflector_turnaround"
        case notSent = "not_sent"
        case sendError = "send_error"
        case tooLarge = "too_large"
        case pathMTU = "path_mtu"
        case skipped
        case inFlight = "in_flight"
        case kernelDrops = "kernel_drops"
        case strays
        case refusals
        case histogram
        case series
    }
}

/// One point of a latency plot. `rttMs` is nil for a probe without a reply.
package struct LatencyPoint: Codable, Sendable, Equatable {
    /// When the probe was sent, in seconds since the first one.
    package var timeSec: Double
    package var rttMs: Double?

    package init(timeSec: Double, rttMs: Double?) {
        self.timeSec = timeSec
        self.rttMs = rttMs
    }

    private enum CodingKeys: String, CodingKey {
        case timeSec = "time_sec"
        case rttMs = "rtt_ms"
    }
}
