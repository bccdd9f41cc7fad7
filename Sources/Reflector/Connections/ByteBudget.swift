internal import LinkMeasurement

/// Bytes over time: `burst` of them at once, then `rate` a second. Bytes beyond that are owed. No clock inside: times
/// are arguments, in nanoseconds of a monotonic clock.
struct ByteBudget: Sendable {
    /// More bytes than any peer moves, and few enough to calculate with.
    private static let most = 1 << 50

    private let rate: Int
    private let burst: Int
    /// Below 0 while bytes are owed.
    private var level: Int
    /// The time up to which `level` has been refilled.
    private var filledAt: UInt64

    /// - Parameters:
    ///   - rate: bytes a second.
    ///   - burst: bytes at once.
    init(rate: Int, burst: Int, now: UInt64) {
        self.rate = min(max(1, rate), Self.most)
        self.burst = min(max(1, burst), Self.most)
        self.level = self.burst
        self.filledAt = now
    }

    /// Takes bytes that have moved.
    mutating func charge(_ bytes: Int, at now: UInt64) {
        fill(now)
        level = max(level.addingHeld(-bytes), -Self.most)
    }

    /// Nanoseconds until something may move again; 0 if it may now.
    mutating func wait(at now: UInt64) -> UInt64 {
        fill(now)
        guard level <= 0 else { return 0 }
        // At one byte a second, that is more than the clock can represent.
        return UInt64(min(Double(1 - level) / Double(rate) * 1e9, Double(Int64.max / 2)).rounded(.up))
    }

    /// Whether a new budget would be no larger.
    mutating func isFull(at now: UInt64) -> Bool {
        fill(now)
        return level == burst
    }

    private mutating func fill(_ now: UInt64) {
        guard now > filledAt else { return }
        let earned = Double(now - filledAt) / 1e9 * Double(rate)
        guard earned < Double(burst - level) else {
            level = burst
            filledAt = now
            return
        }
        // Whole bytes only; the rest of the time counts next time.
        let whole = Int(earned)
        guard whole > 0 else { return }
        level += whole
        filledAt += UInt64(Double(whole) / Double(rate) * 1e9)
    }
}
