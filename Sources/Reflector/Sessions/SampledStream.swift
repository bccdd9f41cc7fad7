internal import PacketIO

/// One stream of a flow whose bytes are looked at now and then, and how far its meter knows of it. No clock inside.
struct SampledStream {
    /// Between two looks, nanoseconds: shorter where so little comes that a single segment matters.
    private static let pause: UInt64 = 100_000_000
    private static let shortPause: UInt64 = 10_000_000
    /// So many bytes in a look let the longer pause follow.
    private static let plenty = 64 << 10
    /// A segment that came after less than this was on its way since the one before: a slow line. After more there was silence.
    private static let longestArrival: UInt64 = 500_000_000

    private var arrivals: StreamArrivals
    /// When something arrived last; nil before anything moved.
    private(set) var until: UInt64?
    private var lastLook: UInt64 = 0
    /// When to look again.
    private(set) var pause = Self.shortPause

    /// - Parameters:
    ///   - start: the socket before the first byte of the stream is read.
    ///   - until: when the stream began, for one that is sent; nil until the first byte comes.
    init(from start: ReceivedSegments?, until: UInt64? = nil) {
        arrivals = StreamArrivals(from: start)
        self.until = until
        lastLook = until ?? 0
    }

    /// The first bytes came.
    mutating func begin(read: Int, at now: UInt64, in flow: FlowMeter) {
        flow.arrived(arrivals.look(read: read, nil), since: now, lastLook: now, until: now)
        (until, lastLook) = (now, now)
    }

    /// - Parameters:
    ///   - read: bytes that have been read, or sent.
    ///   - received: the socket after that; nil when it is not known.
    mutating func look(read: Int, _ received: ReceivedSegments?, at time: UInt64, in flow: FlowMeter) {
        guard let since = until else { return }
        let now = max(since, time)
        defer { lastLook = now }
        let fresh = arrivals.look(read: read, received)
        pause = fresh >= Self.plenty ? Self.pause : Self.shortPause
        guard fresh > 0 || now - since > Self.longestArrival else { return }
        flow.arrived(fresh, since: since, lastLook: lastLook, until: now)
        until = now
    }
}
