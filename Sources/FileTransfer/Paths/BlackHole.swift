/// Notices that a path takes small packets only, although it took larger ones: RFC 8899, section 4.3.
///
/// Losses of a queue hit small and large packets, and later large ones arrive. So a round counts if it loses large
/// packets, and none that was sent later arrives. In a round there are losses of packets that were sent after the last
/// one was noticed.
struct BlackHole: Sendable {
    /// Rounds one after the other.
    static let rounds = 3

    private var count = 0
    private var lastRound = Instant(nanoseconds: 0)
    /// The number in the path of the latest large packet that arrived.
    private var arrived: UInt32?

    var isFound: Bool { count >= Self.rounds }

    /// A packet arrived that is larger than any path must take.
    @inline(__always)
    mutating func acknowledged(sequence: UInt32) {
        if let arrived, Int32(bitPattern: sequence &- arrived) <= 0 { return }
        arrived = sequence
        count = 0
    }

    /// Such a packet was lost, and is no probe.
    mutating func lost(sequence: UInt32, sentAt: Instant, now: Instant) {
        if let arrived, Int32(bitPattern: sequence &- arrived) <= 0 { return }
        guard sentAt > lastRound else { return }
        lastRound = now
        count += 1
    }

    /// The size was reduced.
    mutating func wasTaken() { count = 0 }
}
