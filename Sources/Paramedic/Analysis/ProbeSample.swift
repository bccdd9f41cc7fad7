/// One datagram of a latency test, as the client saw it. All times are nanoseconds: the client's on its monotonic
/// clock, the reflector's on a clock of its own, unrelated to it.
package struct ProbeSample: Sendable, Equatable {
    package var sequence: UInt64
    package var sentNs: UInt64
    /// Nil if no reply arrived.
    package var receivedNs: UInt64?
    package var serverReceivedNs: UInt64?
    package var serverSentNs: UInt64?
    /// Replies after the first.
    package var duplicates: Int
    /// Position among the first replies; if nil, the order of `receivedNs` is used.
    package var arrivalOrder: Int?

    package init(
        sequence: UInt64,
        sentNs: UInt64,
        receivedNs: UInt64? = nil,
        serverReceivedNs: UInt64? = nil,
        serverSentNs: UInt64? = nil,
        duplicates: Int = 0,
        arrivalOrder: Int? = nil
    ) {
        self.sequence = sequence
        self.sentNs = sentNs
        self.receivedNs = receivedNs
        self.serverReceivedNs = serverReceivedNs
        self.serverSentNs = serverSentNs
        self.duplicates = duplicates
        self.arrivalOrder = arrivalOrder
    }
}

/// What the reflector counted in a latency test; with it, loss and reordering can be split by direction.
package struct ProbeCounters: Codable, Sendable, Equatable {
    /// Distinct sequence numbers that arrived.
    package var received: UInt64
    /// Arrivals with a sequence number below an earlier one (RFC 4737 type-P-reordered).
    package var reordered: UInt64
    package var highestSequence: UInt64
    /// Arrivals that it did not answer because they came faster than it allows. They are in `received`.
    package var rateLimited: UInt64

    package init(received: UInt64, reordered: UInt64, highestSequence: UInt64, rateLimited: UInt64 = 0) {
        self.received = received
        self.reordered = reordered
        self.highestSequence = highestSequence
        self.rateLimited = rateLimited
    }

    private enum CodingKeys: String, CodingKey {
        case received
        case reordered
        case highestSequence = "highest_sequence"
        case rateLimited = "rate_limited"
    }
}
