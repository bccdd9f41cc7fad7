internal import LinkMeasurement
internal import Operations

// Words that all reports share.

extension ThroughputResult.Mode {
    var words: String { self == .tunneled ? "tunneled through TLS" : "direct" }
}

extension LatencyResult.Transport {
    var words: String { self == .tunneled ? "inside TLS (TCP hides loss)" : "UDP" }
}

extension ThroughputDirection.Direction {
    var words: String { self == .down ? "download" : "upload" }
}

extension BufferbloatResult.Phase {
    var words: String { self == .both ? "both at once" : rawValue }
}

extension GradeBand {
    /// `below 30 ms` or, for the last band, `above`.
    var words: String { belowMs.map { "below \(Quantity.trimmed(Quantity.milliseconds($0)))" } ?? "above that" }
}

extension Verdict.Limit {
    /// The limit, as a heading.
    var words: String {
        switch self {
        case .link: "The link"
        case .reflector: "The reflector"
        case .thisMachine: "This machine"
        case .tunnel: "The tunnel"
        case .inconclusive: "Inconclusive"
        }
    }
}

extension PathMetadata {
    /// The state of the clock; "unknown" if it is not known.
    var clockWords: String {
        let state = timeSynced.map { $0 ? "synchronized" : "not synchronized" } ?? "unknown"
        guard timeSynced == true, let error = clockErrorUs, error >= 0 else { return state }
        return "\(state) to \(Quantity.milliseconds(Double(error) / 1000))"
    }

    var memoryWords: String {
        guard memoryTotalMB > 0 else { return Quantity.missing }
        return "\(Quantity.bytes(Double(memoryUsedMB) * 1e6)) of \(Quantity.bytes(Double(memoryTotalMB) * 1e6))"
    }

    var loadWords: String {
        loadAverage.prefix(3).map { Quantity.fixed($0, decimals: 2) }.joined(separator: " ")
    }
}

extension LatencyResult {
    /// What the reflector's own limit did to the probes; nil if it dropped none.
    var rateLimitWords: String? {
        guard let rateLimited, rateLimited > 0 else { return nil }
        let pace = allowedPerSecond.map { ", which let about \(Quantity.count($0)) packets a second through" } ?? ""
        return (isMostlyRateLimited ? "Inconclusive: " : "")
            + "\(Quantity.count(rateLimited)) of \(Quantity.count(sent)) probes were dropped by the reflector's own limit\(pace) "
            + "(limits.udp_echo_max_pps); they do not count as lost. Increase the interval (--interval), or have the "
            + "limit raised."
    }
}

extension LatencyResult {
    /// What this machine did to the probes, a sentence each; none of it is loss on the link.
    package var hostWords: [String] {
        func words(_ count: Int?, _ words: (String) -> String) -> String? {
            count.flatMap { $0 > 0 ? words(Quantity.count($0)) : nil }
        }
        let all = Quantity.count(sent.addingHeld(notSent ?? 0))
        return [
            words(notSent) {
                "\($0) of \(all) probes could not leave this machine (\(sendError?.printable(limit: 100) ?? "no reason given")): "
                    + "the link was not measured meanwhile"
            },
            words(tooLarge) {
                "\($0) probes of \(Quantity.count(payloadBytes)) bytes were too large for the path"
                    + (pathMTU.map { ", whose MTU is \(Quantity.count($0))" } ?? "")
                    + "; the later ones were fragmented"
            },
            words(skipped) {
                "\($0) probes were skipped: this machine or the tunnel paused for more than 250 ms"
            },
            words(inFlight) { "\($0) probes were in flight when the test ended; they do not count as lost" },
            words(kernelDrops) {
                "\($0) replies arrived and were dropped by this machine, which was too slow; they do not count as "
                    + "lost"
            },
            words(refusals) { "the network reported the reflector's port as closed \($0) times" },
            words(strays) { "\($0) datagrams answer no probe" },
        ].compactMap { $0 }
    }

    /// Whether so much is missing because of this machine that the rest means little.
    package var isDistortedByHost: Bool { (notSent ?? 0).addingHeld(skipped ?? 0) > sent / 10 }
}

/// Sentences about the method that all bufferbloat pages share.
enum BufferbloatWords {
    static let method =
        "The grade is that of the worst increase of the mean round trip. "
        + "Round trips per minute are 60 000 divided by the mean loaded round trip in milliseconds."
    static let insideTLS =
        "The probe ran inside TLS, on a connection of its own: TCP hides its losses and shows them as delay."
}
