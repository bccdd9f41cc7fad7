/// Lets each datagram in once, and only about the time when it was sent.
///
/// Nonces are remembered for at least twice the tolerance, which is as long as a datagram can be in time. A memory that is full
/// forgets the older half before its time; then a datagram may come twice within the tolerance, which SWIM bears.
package struct SwimReplayWindow: Sendable {
    /// How far from now a datagram may have been sent, in milliseconds. Members are machines whose clocks somebody should look at
    /// when they are half a minute wrong; the handshake's 5 s would make members dead whose clocks are less than that wrong. Far
    /// below the time that the dead are remembered, so that nobody who is forgotten is resurrected by an old datagram.
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
        // Random bytes: any eight of them tell datagrams apart.
        let nonce = datagram[6..<14].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard !older.contains(nonce), !recent.contains(nonce) else { throw .replayed }
        // A clock that was set back begins a new half, too.
        if now >= halfEnds || halfEnds - now > 2 * Self.tolerance || recent.count >= Self.capacity {
            older = recent
            recent = []
            halfEnds = now + 2 * Self.tolerance
        }
        recent.insert(nonce)
    }
}
