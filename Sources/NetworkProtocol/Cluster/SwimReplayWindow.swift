/// Admits each datagram once, and only near the time when it was sent.
///
/// Nonces are remembered for at least twice the tolerance, which is as long as a datagram can be in time. A full memory
/// forgets the older half early; then a datagram may be admitted twice within the tolerance, which SWIM tolerates.
package struct SwimReplayWindow: Sendable {
    /// How far from now a datagram may have been sent, in milliseconds. A clock that is half a minute wrong needs
    /// attention; with the handshake's 5 s, members would count as dead whose clocks are less wrong than that. Far
    /// below the time that the dead are remembered, so that no old datagram resurrects a forgotten member.
    package static let tolerance: Int64 = 30_000
    /// Nonces in each half of the memory: 8 bytes of each, some 2 MB in all. 1 000 datagrams a second fit.
    package static let capacity = 65_536

    private var recent: Set<UInt64> = []
    private var older: Set<UInt64> = []
    private var halfEnds: Int64 = .min

    package init() {}

    /// - Parameters:
    ///   - datagram: an authentic one.
    ///   - sentAt: what it says, milliseconds since 1970.
    ///   - now: milliseconds since 1970.
    package mutating func admit(_ datagram: [UInt8], sentAt: Int64, now: Int64) throws(SwimDatagramError) {
        let (difference, overflows) = sentAt.subtractingReportingOverflow(now)
        guard !overflows, difference.magnitude <= Self.tolerance else {
            throw .outOfTime(milliseconds: overflows ? (sentAt < now ? .min : .max) : difference)
        }
        // Random bytes: any eight of them distinguish datagrams.
        let nonce = datagram[6..<14].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard !older.contains(nonce), !recent.contains(nonce) else { throw .replayed }
        // A clock that was set back starts a new half, too.
        if now >= halfEnds || halfEnds - now > 2 * Self.tolerance || recent.count >= Self.capacity {
            older = recent
            recent = []
            halfEnds = now + 2 * Self.tolerance
        }
        recent.insert(nonce)
    }
}
