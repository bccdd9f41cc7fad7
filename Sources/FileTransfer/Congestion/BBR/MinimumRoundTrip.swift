/// The least round-trip time of the last ten seconds, and when it must be probed: section 5.3.4.3 of the draft.
struct MinimumRoundTrip: Sendable {
    /// Nanoseconds.
    static let filterLength: Int64 = 10_000_000_000
    static let probeInterval: Int64 = 5_000_000_000
    static let probeDuration: Int64 = 200_000_000

    /// Nanoseconds; nil before the first sample.
    private(set) var minimum: Int64?
    private var minimumAt = Instant(nanoseconds: 0)
    /// The least one since the last probe, and when it was seen.
    private var recent = Int64.max
    private var recentAt = Instant(nanoseconds: 0)
    /// Whether the least one was not seen for so long that the path must be emptied.
    private(set) var isProbeDue = false

    /// - Parameter latest: a measurement; nil if the ACK has none.
    mutating func update(latest: Int64?, now: Instant) {
        guard let known = minimum else {
            guard let latest else { return }
            (minimum, minimumAt, recent, recentAt) = (latest, now, latest, now)
            return
        }
        isProbeDue = now > recentAt + Self.probeInterval
        if let latest, latest < recent || isProbeDue {
            recent = latest
            recentAt = now
        }
        if recent < known || now > minimumAt + Self.filterLength {
            minimum = recent
            minimumAt = recentAt
        }
    }

    /// A probe ends.
    mutating func wasProbed(now: Instant) { recentAt = now }
}
