/// Finds out whether all packets were lost that were sent during a long time: RFC 9002, section 7.6.
struct PersistentCongestion {
    /// Probe timeouts that the time must exceed.
    static let timeouts: Int64 = 3

    /// The last lost packet of a run without an acknowledged packet inside, by its number in the path.
    private var last: UInt32 = 0
    /// When the first packet of the run was sent that elicits an ACK; nil without a run.
    private var start: Instant?
    private var length: Int64 = 0

    /// A packet was lost. Packets of a path are lost in the order in which they were sent.
    ///
    /// - Parameter measured: when the round-trip time was first measured. Packets sent before do not count.
    mutating func lost(_ packet: SentPacket, measured: Instant?) {
        if packet.sequence != last &+ 1 { start = nil }
        last = packet.sequence
        guard packet.flags.contains(.elicits), let measured, packet.sentAt > measured else { return }
        guard let start else {
            start = packet.sentAt
            length = 0
            return
        }
        length = packet.sentAt - start
    }

    /// A lost packet was acknowledged after all.
    mutating func wasSpurious() { start = nil }

    /// Whether the run of lost packets is long enough. The next one begins anew.
    mutating func take(_ time: RoundTripTime) -> Bool {
        guard start != nil, length > Self.timeouts * time.probeTimeout else { return false }
        start = nil
        return true
    }
}
