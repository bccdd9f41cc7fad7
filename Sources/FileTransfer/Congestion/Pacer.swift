/// Spreads packets over the round-trip time: a token bucket of bytes.
///
/// The bucket holds what the rate gives in 1 ms, but 10 datagrams at least and at most 64 KiB. A caller that wakes up
/// late by less than that loses nothing.
package struct Pacer: Sendable {
    static let burstTime = 1_000_000.0
    static let minimumBurstDatagrams = 10
    /// As much as one system call sends.
    static let maximumBurst = 65_536

    /// False on a carrier that does its own congestion control, such as a TCP connection.
    package var isEnabled = true
    /// Bytes per nanosecond.
    private var rate: Double
    private var burst: Double
    /// Below 0 after packets that did not ask, such as probes.
    private var credit: Double
    private var filledAt: Instant?

    /// The bucket is full.
    package init(bytesPerSecond: Double, datagramSize: Int) {
        rate = bytesPerSecond / 1e9
        burst = Self.burst(rate, datagramSize)
        credit = burst
    }

    /// Bytes that may go at once.
    ///
    /// - Parameter rate: bytes per nanosecond.
    static func burst(_ rate: Double, _ datagramSize: Int) -> Double {
        let least = minimumBurstDatagrams * datagramSize
        return min(max(rate * burstTime, Double(least)), Double(max(least, maximumBurst)))
    }

    package mutating func setRate(bytesPerSecond: Double, datagramSize: Int, now: Instant) {
        fill(now: now)
        rate = bytesPerSecond / 1e9
        burst = Self.burst(rate, datagramSize)
        credit = min(credit, burst)
    }

    private mutating func fill(now: Instant) {
        guard let filledAt else {
            self.filledAt = now
            return
        }
        guard now > filledAt else { return }
        credit = min(burst, credit + Double(now - filledAt) * rate)
        self.filledAt = now
    }

    /// Bytes that may go now.
    package mutating func allowance(now: Instant) -> Int {
        guard isEnabled else { return .max }
        fill(now: now)
        // Rounding must not make the time that `nextSend` gives too early.
        return max(0, Int(credit + 0.001))
    }

    @inline(__always)
    package mutating func sent(bytes: Int) {
        if isEnabled { credit = max(credit - Double(bytes), -burst) }
    }

    /// When so many bytes may go, or as many as the bucket holds; nil if they may go now.
    package mutating func nextSend(bytes: Int, now: Instant) -> Instant? {
        guard isEnabled else { return nil }
        fill(now: now)
        let missing = min(Double(bytes), burst) - credit
        guard missing > 0 else { return nil }
        // At a rate near zero the time has no end.
        return now + Int64(min(missing / rate, 1e12)) + 1
    }
}
