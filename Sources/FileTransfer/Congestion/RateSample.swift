/// A measurement of a path's delivery rate.
package struct RateSample: Equatable, Sendable {
    /// Bytes that were delivered in the interval.
    package var delivered: UInt64
    /// Nanoseconds.
    package var interval: Int64
    /// Bytes that were delivered when the newest acknowledged packet was sent.
    package var priorDelivered: UInt64
    /// Whether the sender had too little to send: then the path may be faster.
    package var isApplicationLimited: Bool

    package var bytesPerSecond: Double { Double(delivered) * 1e9 / Double(interval) }
}
