/// The deliveries of a round trip that begins with its first loss: section 5.5.10.3 of the draft.
struct LossRound: Sendable {
    /// Bytes delivered; an ACK of a packet sent after that ends the round.
    private var end: UInt64 = 0
    private(set) var starts = false
    private(set) var hasLoss = false
    /// The largest ones of the round: bytes per second, and bytes.
    private(set) var bandwidth = 0.0
    private(set) var inFlight = 0.0
    /// Runs of lost packets, and the last one's number.
    private(set) var runs = 0
    private var lastSequence: UInt32?

    /// - Returns: whether it is the first loss of the round.
    mutating func lost(_ packet: PacketHistory, delivered: UInt64) -> Bool {
        if lastSequence.map({ $0 &+ 1 != packet.sequence }) ?? true { runs += 1 }
        lastSequence = packet.sequence
        guard !hasLoss else { return false }
        end = delivered
        hasLoss = true
        return true
    }

    /// An ACK, before the model reacts to it.
    mutating func update(rate: Double, newest: PacketHistory, delivered: UInt64) {
        bandwidth = max(bandwidth, rate)
        inFlight = max(inFlight, Double(delivered - newest.priorDelivered))
        starts = newest.priorDelivered >= end
        if starts { end = delivered }
    }

    /// The losses of the round that has ended were dealt with.
    mutating func clearLoss() { hasLoss = false }
    mutating func clearRuns() { runs = 0 }

    /// The same ACK, at the end.
    mutating func advance(rate: Double, delivered: Double) {
        guard starts else { return }
        bandwidth = rate
        inFlight = delivered
    }

    mutating func reset() {
        hasLoss = false
        bandwidth = 0
        inFlight = 0
    }
}
