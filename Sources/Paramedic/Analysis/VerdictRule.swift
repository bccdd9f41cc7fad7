/// One line of the table of rules for a verdict.
package struct VerdictRule: Sendable {
    package let name: String
    /// The limit that the rule names if it finds something; nil for an observation that only explains.
    package let limit: Verdict.Limit?
    /// When it finds something, for people who want to check it.
    package let condition: String
    /// Shown only if it agrees with the verdict.
    let isFallback: Bool
    let finding: @Sendable (VerdictEvidence) -> String?

    init(
        name: String,
        limit: Verdict.Limit?,
        condition: String,
        isFallback: Bool = false,
        finding: @escaping @Sendable (VerdictEvidence) -> String?
    ) {
        self.name = name
        self.limit = limit
        self.condition = condition
        self.isFallback = isFallback
        self.finding = finding
    }

    /// The rules in order of strength. The first that finds something and names a limit decides.
    package static let table: [VerdictRule] = [
        nothingMeasured, incomplete, tooShort, slowLink, offeredLoad, fasterUnderProbe, loopback,
        tunnelFillsBothEnds, clientProcessor, reflectorProcessor,
        clientCard, reflectorCard,
        clientTraffic, reflectorTraffic,
        clientLoad, reflectorLoad,
        probesDropped, standingQueue, packetLoss, resentSegments,
        processorUnknown, headroom, probesNotSent,
        slowTurnaround, clientMemory, reflectorMemory, smallPacketSize, unevenPacketSize, clientClock, reflectorClock,
        growsUnderLoad,
    ]
}

/// The thresholds of the rules.
package enum VerdictThresholds {
    /// Slow start, one round of scheduling and one interval of a reading take most of a shorter test.
    package static let shortestTestSec = 1.0
    /// Bits a second of payload. From 256 kbit/s on the line, a test of 10 s reads within 5 %; see `Benchmarks/links`.
    package static let slowestMeasured = 230_000.0
    /// How much faster than the throughput test the load of a latency test may be: a link that varies more has no
    /// single rate.
    package static let unsteadyFactor = 1.5
    /// Of the requested time: the count starts with the first byte that arrives and ends with the last, so a test that
    /// ran its full length measures a little less.
    package static let wholeTestShare = 0.9
    /// A process at 90 % of the cores that it can use has no slack left.
    package static let fullProcessorPercent = 90.0
    /// Runnable tasks per core before a test: our own work then waits for the processor.
    package static let busyLoad = 0.9
    /// Of a card's nominal speed; framing takes 5 to 6 % at full packets.
    package static let fullCardShare = 0.9
    /// Other traffic, as a share of what was measured, that made the result smaller.
    package static let backgroundShare = 0.25
    /// Mean increase under load that only a queue explains: the upper bound of grade A.
    package static let standingQueueMs = 30.0
    /// Lost probes: at a loss rate of 1 %, TCP no longer fills a long path.
    package static let lossPercent = 1.0
    /// Retransmitted segments: the sign of a full queue or a bad line.
    package static let resentPercent = 0.1
    /// UDP that arrives at 99 % of the offered rate was not slowed by anything.
    package static let offeredShare = 0.99
    package static let fullMemoryShare = 0.95
    /// Median time of a reflector's answer above which it is a part of the measured latency.
    package static let slowTurnaroundMs = 1.0
    package static let ethernetMTU = 1500
    /// A larger clock error makes the logs of the two machines hard to compare.
    package static let clockErrorUs = 100_000
}
