/// How much later a packet may arrive than those sent after it before it is taken for lost: RFC 9002, section 6.1. Both
/// thresholds grow when a packet that was taken for lost is acknowledged.
struct ReorderingThreshold {
    static let initialPackets: UInt32 = 3
    /// Beyond it the time decides.
    static let mostPackets: UInt32 = 1_024
    /// The share of the round-trip time is 1/2³ at first.
    static let initialShift: Int64 = 3

    /// A packet is lost when one that was sent so many packets later is acknowledged.
    private(set) var packets = initialPackets
    private(set) var shift = initialShift

    /// A packet is lost when it is older than this and a later one is acknowledged.
    func lossDelay(_ time: RoundTripTime) -> Int64 {
        let basis = time.lossBasis
        return max(basis + basis >> shift, RoundTripTime.granularity)
    }

    /// A packet was acknowledged after it was taken for lost.
    ///
    /// - Parameter distance: how many packets later the highest acknowledged one was sent.
    mutating func wasSpurious(byTime: Bool, distance: UInt32) {
        if byTime {
            shift = max(0, shift - 1)
        } else {
            packets = max(packets, min(distance, Self.mostPackets - 1) + 1)
        }
    }
}
