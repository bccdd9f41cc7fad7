/// When a datagram reached this machine, on the monotonic clock. No clock inside.
enum ReceiptTime {
    /// Two clocks that are read one after the other, one of which is being slewed, disagree by less than this.
    private static let tolerance: Int64 = 1_000_000

    /// - Parameters:
    ///   - stamp: the kernel's, on the wall clock; 0 if there is none.
    ///   - offset: the wall clock now, less the monotonic clock now.
    ///   - earliest: when nothing was waiting to be received.
    ///   - now: on the monotonic clock; a stamp outside of the interval was distorted by a step of the wall clock.
    static func steady(stamp: Int64, offset: Int64, between earliest: Int64, and now: Int64) -> Int64 {
        guard stamp != 0 else { return now }
        let time = stamp - offset
        guard time >= earliest - Self.tolerance, time <= now + Self.tolerance else { return now }
        return min(max(time, earliest), now)
    }
}
