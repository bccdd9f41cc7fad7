/// How often the other side may change its key. A change costs this side twenty times what a record costs, and carries nothing.
///
/// Sixteen at once, and one more for each minute: a sender changes keys each hour, or each 2³² records, which is half an hour even at two
/// million a second.
package struct KeyChanges: Sendable {
    /// Changes that may come at once.
    package static let most = 16
    /// After so long there may be one more.
    package static let interval = Duration.seconds(60)

    private var allowance = Allowance(most, oneEach: Int64(interval / .nanoseconds(1)))
    /// From when time is counted.
    private var start: ContinuousClock.Instant?

    package init() {}

    /// One has come; false when it is one too many.
    package mutating func admit(now: ContinuousClock.Instant) -> Bool { allowance.take(now: time(now)) }

    /// Whether one that comes now would be admitted, and not be the first since there were as many left as may be.
    package mutating func isFurther(now: ContinuousClock.Instant) -> Bool {
        let time = time(now)
        return !allowance.isFull(now: time) && allowance.hasOne(now: time)
    }

    private mutating func time(_ now: ContinuousClock.Instant) -> Int64 {
        let start = start ?? now
        self.start = start
        return Int64((now - start) / .nanoseconds(1))
    }
}
