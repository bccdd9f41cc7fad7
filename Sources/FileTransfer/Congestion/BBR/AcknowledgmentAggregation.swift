/// How much more is acknowledged at once than the path's rate explains: section 5.5.9 of the draft. So much may be in
/// flight on top, to keep sending while no ACK comes.
struct AcknowledgmentAggregation: Sendable {
    /// Two spans of so many rounds are remembered: between 5 and 10 rounds.
    static let span: UInt64 = 5

    private var start: Instant?
    private var acknowledged = 0.0
    private var current = 0.0
    private var previous = 0.0
    private var spanStart: UInt64 = 0

    /// Bytes.
    var extra: Double { max(current, previous) }

    /// - Parameters:
    ///   - bandwidth: bytes per second.
    ///   - isShort: in startup one round is remembered.
    mutating func update(
        newlyAcknowledged: Double,
        bandwidth: Double,
        window: Double,
        round: UInt64,
        isShort: Bool,
        now: Instant
    ) {
        let begun = start ?? now
        var expected = bandwidth * Double(now - begun) / 1e9
        if start == nil || acknowledged <= expected {
            acknowledged = 0
            start = now
            expected = 0
        }
        acknowledged += newlyAcknowledged
        if round - spanStart >= (isShort ? 1 : Self.span) {
            previous = isShort ? 0 : current
            current = 0
            spanStart = round
        }
        current = max(current, min(acknowledged - expected, window))
    }

    /// The path was idle.
    mutating func restart(now: Instant) {
        acknowledged = 0
        start = now
    }
}
