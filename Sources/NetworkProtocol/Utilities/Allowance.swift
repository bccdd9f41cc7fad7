/// A number of permits at once, and one more after each interval. No clock inside: times are arguments, in nanoseconds
/// of a monotonic clock.
struct Allowance: Sendable {
    private let most: Int
    private let interval: Int64
    private var left: Int
    /// Since when time counts for the next one.
    private var since: Int64 = 0

    /// - Parameters:
    ///   - most: how many at once, at least 1.
    ///   - interval: until there is one more, in nanoseconds, at least 1.
    init(_ most: Int, oneEach interval: Int64) {
        self.most = most
        self.interval = interval
        left = most
    }

    /// Takes one; false if there is none.
    mutating func take(now: Int64) -> Bool {
        earn(now)
        guard left > 0 else { return false }
        if left == most { since = now }
        left -= 1
        return true
    }

    /// Whether there is one to take.
    mutating func hasOne(now: Int64) -> Bool {
        earn(now)
        return left > 0
    }

    /// Whether it equals a new one.
    mutating func isFull(now: Int64) -> Bool {
        earn(now)
        return left == most
    }

    private mutating func earn(_ now: Int64) {
        guard left < most else { return }
        let earned = max(0, now - since) / interval
        since += earned * interval
        left = Int(min(Int64(most), Int64(left) + earned))
    }
}
