/// The largest delivery rate of this cycle of probes and of the one before: section 5.5.2 of the draft.
struct BandwidthFilter: Sendable {
    private var current = 0.0
    private var previous = 0.0

    /// Bytes per second; 0 before the first sample.
    var bandwidth: Double { max(current, previous) }

    mutating func add(_ rate: Double) { current = max(current, rate) }

    /// What was measured before is no longer so.
    mutating func replace(_ rate: Double) {
        current = rate
        previous = 0
    }

    /// A cycle ends.
    mutating func advance() {
        // Without a sample in a cycle, what was known stays.
        guard current > 0 else { return }
        previous = current
        current = 0
    }
}
