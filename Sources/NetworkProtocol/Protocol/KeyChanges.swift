/// How often the other side may change its key. A change costs this side twenty times what a record costs, and carries nothing.
///
/// Sixteen at once, and one more for each minute: a sender changes keys each hour, or each 2³² records, which is half an hour even at two
/// million a second.
package struct KeyChanges: Sendable {
    /// Changes that may come at once.
    package static let most = 16
    /// After so long there may be one more.
    package static let interval = Duration.seconds(60)

    private var left = KeyChanges.most
    /// Since when time counts for the next one; nil while there are as many as may be.
    private var since: ContinuousClock.Instant?

    package init() {}

    /// One has come; false when it is one too many.
    package mutating func admit(now: ContinuousClock.Instant) -> Bool {
        earn(now)
        guard left > 0 else { return false }
        left -= 1
        if since == nil { since = now }
        return true
    }

    /// Whether one that comes now would be admitted, and not be the first since there were as many left as may be.
    package mutating func isFurther(now: ContinuousClock.Instant) -> Bool {
        earn(now)
        return (1..<KeyChanges.most).contains(left)
    }

    private mutating func earn(_ now: ContinuousClock.Instant) {
        guard let start = since else { return }
        let earned = Int(min(max(0, (now - start) / KeyChanges.interval), Double(KeyChanges.most)))
        left = min(KeyChanges.most, left + earned)
        since = left == KeyChanges.most ? nil : start + KeyChanges.interval * earned
    }
}
