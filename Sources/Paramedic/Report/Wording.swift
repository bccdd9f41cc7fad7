internal import LinkMeasurement
internal import Operations

// The words that all reports use for the same things.

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
    /// What limits, as a heading.
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
    /// The state of the clock; what is not known is said so.
    var clockWords: String {
        let state = timeSynced.map { $0 ? "synchronised" : "not synchronised" } ?? "unknown"
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
    /// What the reflector's own limit did to the probes; nil when it dropped none.
    var rateLimitWords: String? {
        guard let rateLimited, rateLimited > 0 else { return nil }
        let pace = allowedPerSecond.map { ", which let about \(Quantity.count($0)) packets a second through" } ?? ""
        return (isMostlyRateLimited ? "Inconclusive: " : "")
            + "\(Quantity.count(rateLimited)) of \(Quantity.count(sent)) probes were dropped by the reflector's own limit\(pace) "
            + "(limits.udp_echo_max_pps); they are not counted as lost. Send them further apart (--interval), or have the "
            + "limit raised."
    }
}

extension LatencyResult {
    /// What this machine did to the probes, a sentence each; none of it is loss of the link.
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
                    + (pathMTU.map { ", whose MTU is \(Quantity.count($0))" } ?? "") + "; the later ones went in pieces"
            },
            words(skipped) {
                "\($0) probes were left out: this machine or the tunnel stood still for more than 250 ms"
            },
            words(inFlight) { "\($0) probes were still under way when the test ended; they are not counted as lost" },
            words(kernelDrops) {
                "\($0) replies came and were dropped by this machine, which did not take them in time; they are not counted as "
                    + "lost"
            },
            words(refusals) { "the reflector's port was said to be closed \($0) times" },
            words(strays) { "\($0) datagrams came that answer no probe" },
        ].compactMap { $0 }
    }

    /// Whether so much is missing because of this machine that the rest says little.
    package var isSpoiltByHost: Bool { (notSent ?? 0).addingHeld(skipped ?? 0) > sent / 10 }
}

/// A sentence about the measure that all pages of bufferbloat carry.
enum BufferbloatWords {
    static let method =
        "The grade is that of the worst increase of the mean round trip. "
        + "Round trips per minute are 60 000 divided by the mean loaded round trip in milliseconds."
    static let insideTLS =
        "The probe ran inside TLS, on a connection of its own: TCP hides its losses and shows them as delay."
}
