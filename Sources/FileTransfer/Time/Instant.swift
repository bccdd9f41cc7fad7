/// A point in time of a monotonic clock, which the caller reads: once for a batch of packets.
///
/// Durations are nanoseconds in an `Int64`: `Duration` has 128 bits, and packets are too many for it.
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since any fixed point, such as the start of the machine.
    package var nanoseconds: Int64

    @inline(__always)
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inline(__always)
    package static func < (one: Instant, other: Instant) -> Bool { one.nanoseconds < other.nanoseconds }

    @inline(__always)
    package static func + (instant: Instant, nanoseconds: Int64) -> Instant {
        Instant(nanoseconds: instant.nanoseconds + nanoseconds)
    }

    @inline(__always)
    package static func - (instant: Instant, nanoseconds: Int64) -> Instant {
        Instant(nanoseconds: instant.nanoseconds - nanoseconds)
    }

    /// The nanoseconds from `earlier` to `later`.
    @inline(__always)
    package static func - (later: Instant, earlier: Instant) -> Int64 { later.nanoseconds - earlier.nanoseconds }
}
