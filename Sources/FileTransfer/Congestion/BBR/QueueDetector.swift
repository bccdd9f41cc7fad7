/// Whether packets wait somewhere on the path: the least round-trip time of the last whole round tells.
struct QueueDetector: Sendable {
    /// Nanoseconds.
    private var current = Int64.max
    private var previous: Int64?

    mutating func add(_ latest: Int64) { current = min(current, latest) }

    mutating func endRound() {
        // A round without a measurement says nothing.
        guard current < .max else { return }
        previous = current
        current = .max
    }

    /// - Parameter minimum: the least round-trip time of the path.
    func isPresent(minimum: Int64?) -> Bool {
        guard let minimum, let previous else { return false }
        return Double(previous) > Bbr.queueFactor * Double(minimum) + Bbr.queueOffset
    }
}
