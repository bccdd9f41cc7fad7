/// The round-trip time of a path: RFC 9002, section 5. All times are in nanoseconds.
package struct RoundTripTime: Sendable {
    /// Before the first sample.
    static let initial: Int64 = 333_000_000
    /// The finest time that timers are set to: RFC 9002, section 6.1.2.
    static let granularity: Int64 = 1_000_000

    package private(set) var smoothed = initial
    package private(set) var variation = initial / 2
    /// The last sample; nil before the first one.
    package private(set) var latest: Int64?
    package private(set) var minimum = Int64.max

    package init() {}

    /// - Parameters:
    ///   - sample: from sending a packet to its acknowledgment.
    ///   - delay: what the peer says that it kept the packet.
    mutating func add(_ sample: Int64, delay: Int64) {
        // A clock that stands still gives no time.
        let sample = max(sample, 1)
        guard latest != nil else {
            latest = sample
            minimum = sample
            smoothed = sample
            variation = sample / 2
            return
        }
        latest = sample
        minimum = min(minimum, sample)
        let delay = min(delay, AcknowledgmentSchedule.maximumDelay)
        let adjusted = sample - minimum >= delay ? sample - delay : sample
        variation = (3 * variation + abs(smoothed - adjusted)) / 4
        smoothed = (7 * smoothed + adjusted) / 8
    }

    /// After persistent congestion the path may be another one.
    mutating func resetMinimum() { if let latest { minimum = latest } }

    /// The time after which a packet is taken for lost once a later one is acknowledged, without the share for
    /// reordering.
    var lossBasis: Int64 { max(latest ?? 0, smoothed) }

    /// The probe timeout without backoff, and without the delay of the peer's ACK.
    var probeBasis: Int64 { smoothed + max(4 * variation, Self.granularity) }

    /// The probe timeout without backoff.
    var probeTimeout: Int64 { probeBasis + AcknowledgmentSchedule.maximumDelay }
}
