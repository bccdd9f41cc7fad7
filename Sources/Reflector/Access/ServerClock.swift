internal import Glibc

/// The two times that the server's decisions need; tests provide their own.
package struct ServerClock: Sendable {
    /// Time of day, for the accounts.
    package var unixMilliseconds: @Sendable () -> Int64
    /// Monotonic time, for deadlines.
    package var monotonicNanoseconds: @Sendable () -> UInt64

    package init(
        unixMilliseconds: @escaping @Sendable () -> Int64,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64
    ) {
        self.unixMilliseconds = unixMilliseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }

    package static let system = ServerClock(
        unixMilliseconds: { Int64(read(CLOCK_REALTIME) / 1_000_000) },
        // Also counts during suspend: a pairing window must not outlive its time in a suspended laptop.
        monotonicNanoseconds: { read(CLOCK_BOOTTIME) }
    )

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Fails only for an unknown clock.
        _ = unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
