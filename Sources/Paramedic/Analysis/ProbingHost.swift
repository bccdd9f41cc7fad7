/// What this machine, and not the link, did to the probes of a latency test.
package struct ProbingHost: Sendable, Equatable {
    /// Probes that its kernel refused to send, and the kernel's reason.
    package var notSent = 0
    package var sendError: String?
    /// Probes larger than the path's MTU, and the MTU in bytes.
    package var tooLarge = 0
    package var pathMTU: Int?
    /// Probes that were due while the program or its tunnel was stopped.
    package var skipped = 0
    /// Probes that were in flight in a live tunnel when the test ended.
    package var inFlight = 0
    /// Replies that its kernel dropped because the program was too slow.
    package var kernelDrops = 0
    /// Datagrams that are no reply to anything sent.
    package var strays = 0
    /// How often the network reported the reflector's port as closed.
    package var refusals = 0

    package init() {}
}
