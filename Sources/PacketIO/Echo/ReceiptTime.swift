/// When a datagram reached this machine, on the steady clock. No clock inside.
enum ReceiptTime {
    /// Two clocks that are read one after the other, and one of which is being slewed, disagree by less.
    private static let tolerance: Int64 = 1_000_000

    /// - Parameters:
    ///   - stamp: the kernel's, of the wall clock; 0 when there is none.
    ///   - offset: of the wall clock now, less the steady clock now.
    ///   - earliest: when nothing was waiting to be received.
    ///   - now: by the steady clock; what a stamp says that the wall clock's step has spoilt is worth less.
    static func steady(stamp: Int64, offset: Int64, between earliest: Int64, and now: Int64) -> Int64 {
        guard stamp != 0 else { return now }
        let time = stamp - offset
        guard time >= earliest - Self.tolerance, time <= now + Self.tolerance else { return now }
        return min(max(time, earliest), now)
    }
}
