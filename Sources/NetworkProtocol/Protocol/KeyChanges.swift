/// How often the other side may change its key. A change costs this side twenty times as much as a record, and carries
/// nothing.
///
/// Sixteen at once, and one more for each minute: a sender changes keys each hour, or each 2³² records, which is half
/// an hour even at two million a second.
package struct KeyChanges: Sendable {
    /// Changes that may arrive at once.
    package static let most = 16
    /// After this time there may be one more.
    package static let interval = Duration.seconds(60)

    private var allowance = Allowance(most, oneEach: Int64(interval / .nanoseconds(1)))
    /// The start of the count.
    private var start: ContinuousClock.Instant?

    package init() {}

    /// Records a change; false if it is one too many.
    package mutating func admit(now: ContinuousClock.Instant) -> Bool { allowance.take(now: time(now)) }

    /// Whether a change now would be admitted, and not be the first one with a full allowance.
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
