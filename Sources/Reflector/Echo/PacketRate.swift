/// A token bucket, implemented as the generic cell rate algorithm (ITU-T I.371): one number of state, no clock of its
/// own.
package struct PacketRate: Sendable {
    /// A tenth of a second's packets may arrive at once: timers and queues bunch the packets of an honest sender.
    static let burst: Int64 = 100_000_000
    private let interval: Int64
    /// When the bucket would be full again.
    private var due: Int64 = .min

    /// 0 packets a second lets nothing through.
    package init(packetsPerSecond: Int) {
        // Rounded up: never faster than granted.
        interval = packetsPerSecond <= 0 ? .max : 999_999_999 / Int64(packetsPerSecond) + 1
    }

    /// Takes one packet at `now`, in nanoseconds of any monotonic clock.
    package mutating func admit(at now: Int64) -> Bool {
        guard interval != .max else { return false }
        let due = max(self.due, now)
        // A rate below ten a second still lets one through.
        guard due - now <= max(0, Self.burst - interval) else { return false }
        self.due = due + interval
        return true
    }
}
