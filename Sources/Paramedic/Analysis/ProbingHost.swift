/// What this machine, and not the link, did to the probes of a latency test.
package struct ProbingHost: Sendable, Equatable {
    /// Probes that its kernel refused to send, and its words for that.
    package var notSent = 0
    package var sendError: String?
    /// Probes that were larger than the path takes in one piece, and how much that is in bytes.
    package var tooLarge = 0
    package var pathMTU: Int?
    /// Probes that were due while the program or its tunnel stood still.
    package var skipped = 0
    /// Probes that were still under way in a live tunnel when the test ended.
    package var inFlight = 0
    /// Replies that its kernel dropped because the program did not take them in time.
    package var kernelDrops = 0
    /// Datagrams that are no reply to anything sent.
    package var strays = 0
    /// How often the reflector's port was said to be closed.
    package var refusals = 0

    package init() {}
}
