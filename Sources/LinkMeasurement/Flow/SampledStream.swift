internal import PacketIO

/// One stream of a flow whose bytes are sampled, and what its meter knows of it. No clock inside.
package struct SampledStream {
    /// Between two samples, in nanoseconds: shorter if so little arrives that a single segment matters.
    private static let pause: UInt64 = 100_000_000
    private static let shortPause: UInt64 = 10_000_000
    /// This many bytes in a sample allow the longer pause.
    private static let plenty = 64 << 10
    /// A segment that came sooner than this after the previous one was in transit all the time: a slow line. Later,
    /// there was silence.
    private static let longestArrival: UInt64 = 500_000_000

    private var arrivals: StreamArrivals
    /// When bytes last arrived; nil before anything moved.
    private(set) var until: UInt64?
    private var lastLook: UInt64 = 0
    /// When to sample next.
    private(set) var pause = Self.shortPause

    /// - Parameters:
    ///   - start: the socket before the first byte of the stream is read.
    ///   - until: when the stream started, for a sent one; nil until the first byte arrives.
    init(from start: ReceivedSegments?, until: UInt64? = nil) {
        arrivals = StreamArrivals(from: start)
        self.until = until
        lastLook = until ?? 0
    }

    /// The first bytes arrived and were read.
    mutating func begin(read: Int, at now: UInt64, in flow: FlowMeter) {
        lookForFirst(read: read, nil, at: now, in: flow)
    }

    /// - Parameters:
    ///   - read: bytes that have been read, or sent.
    ///   - received: the socket after that; nil if it is not known.
    mutating func look(read: Int, _ received: ReceivedSegments?, at time: UInt64, in flow: FlowMeter) {
        guard let since = until else { return lookForFirst(read: read, received, at: time, in: flow) }
        let now = max(since, time)
        defer { lastLook = now }
        let fresh = arrivals.look(read: read, received)
        pause = fresh >= Self.plenty ? Self.pause : Self.shortPause
        guard fresh > 0 || now - since > Self.longestArrival else { return }
        flow.arrived(fresh, since: since, lastLook: lastLook, until: now)
        until = now
    }

    /// The first bytes may wait after a missing segment: it may take a second or more until something can be read.
    private mutating func lookForFirst(read: Int, _ received: ReceivedSegments?, at now: UInt64, in flow: FlowMeter) {
        let fresh = arrivals.look(read: read, received)
        if fresh > 0 {
            let before = lastLook > 0 ? lastLook : now
            flow.arrived(fresh, since: before, lastLook: before, until: now)
            (until, pause) = (now, Self.shortPause)
        } else {
            // Some streams never start.
            pause = min(pause * 2, Self.pause)
        }
        lastLook = now
    }
}
