/// A sent packet as ``SentPackets`` keeps it: 64 bytes.
struct SentPacket {
    struct Flags: OptionSet {
        let rawValue: UInt8
        /// The peer must acknowledge it.
        static let elicits = Flags(rawValue: 1)
        /// It counts against the congestion window.
        static let inFlight = Flags(rawValue: 2)
        /// The sender had too little to send when it went.
        static let applicationLimited = Flags(rawValue: 4)
        /// It was declared lost because of its age, not because of later packets.
        static let lostByTime = Flags(rawValue: 8)
        /// It is longer than the path is known to take: its loss says nothing about congestion.
        static let sizeProbe = Flags(rawValue: 16)
    }

    var sentAt: Instant
    /// The state of ``DeliveryRate`` when it was sent.
    var delivery: DeliveryRate.Snapshot
    var frame: SentFrame
    /// Its number among the packets of its path, mod 2³².
    var sequence: UInt32
    /// Bytes of the datagram.
    var size: UInt16
    var path: UInt8
    var flags: Flags
}
