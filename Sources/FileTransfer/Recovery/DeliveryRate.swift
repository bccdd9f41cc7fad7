/// Measures how fast a path delivers: what a controller that models the path needs. The method is that of
/// draft-ietf-ccwg-bbr, section 4.1.
struct DeliveryRate {
    /// What a packet remembers of the time when it was sent.
    struct Snapshot {
        /// Bytes that were delivered.
        var delivered: UInt64
        /// When the last of them was.
        var deliveredAt: Instant
        /// When the packet was sent that was delivered last.
        var firstSentAt: Instant
        /// Bytes in flight, with the packet. No more fit into the ring of packets.
        var inFlight: UInt32
        /// Bytes that were lost, mod 2³².
        var lost: UInt32
    }

    private(set) var delivered: UInt64 = 0
    /// Bytes, mod 2³².
    private var lost: UInt32 = 0
    private var deliveredAt = Instant(nanoseconds: 0)
    private var firstSentAt = Instant(nanoseconds: 0)
    /// Samples tell the sender's rate rather than the path's until so many bytes are delivered; 0: they do not.
    private var limitedUntil: UInt64 = 0

    var isApplicationLimited: Bool { limitedUntil != 0 }

    /// The sender has nothing to send although it may.
    mutating func applicationLimited(inFlight: Int) { limitedUntil = max(delivered + UInt64(inFlight), 1) }

    /// A packet goes out. `inFlight`: bytes before it. `size`: its bytes, if they count as in flight.
    @inline(__always)
    mutating func sent(inFlight: Int, size: Int, now: Instant) -> Snapshot {
        if inFlight == 0 {
            firstSentAt = now
            deliveredAt = now
        }
        return Snapshot(
            delivered: delivered,
            deliveredAt: deliveredAt,
            firstSentAt: firstSentAt,
            inFlight: UInt32(truncatingIfNeeded: inFlight + size),
            lost: lost
        )
    }

    @inline(__always)
    mutating func acknowledged(bytes: Int, now: Instant) {
        delivered += UInt64(bytes)
        deliveredAt = now
    }

    /// A packet is lost that counted as in flight.
    mutating func lost(bytes: Int) { lost &+= UInt32(truncatingIfNeeded: bytes) }

    /// What has happened since a packet was sent.
    func history(of packet: SentPacket) -> PacketHistory {
        PacketHistory(
            sentAt: packet.sentAt,
            size: Int(packet.size),
            sequence: packet.sequence,
            priorDelivered: packet.delivery.delivered,
            inFlight: Int(packet.delivery.inFlight),
            lost: Int(lost &- packet.delivery.lost),
            isApplicationLimited: packet.flags.contains(.applicationLimited)
        )
    }

    /// The sample of an ACK.
    ///
    /// - Parameter newest: the packet of those that it acknowledged that was sent last.
    mutating func sample(newest: SentPacket, minimum: Int64) -> RateSample? {
        if limitedUntil != 0, delivered > limitedUntil { limitedUntil = 0 }
        firstSentAt = newest.sentAt
        // Both the pace of sending and that of acknowledgment bound the rate.
        let interval = max(newest.sentAt - newest.delivery.firstSentAt, deliveredAt - newest.delivery.deliveredAt)
        // A shorter one is an artifact of ACKs that came together.
        guard interval > 0, interval >= minimum else { return nil }
        return RateSample(
            delivered: delivered - newest.delivery.delivered,
            interval: interval,
            priorDelivered: newest.delivery.delivered,
            isApplicationLimited: newest.flags.contains(.applicationLimited)
        )
    }
}
