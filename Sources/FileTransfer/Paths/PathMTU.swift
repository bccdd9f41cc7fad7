/// Finds the largest datagram that a path carries, with probes that are longer than what goes otherwise: RFC 8899.
///
/// ```
/// searching ─ the largest size is known within 16 bytes → complete ─ 60 s → searching, up to what the peer takes
///     ▲                                                     │
///     └──── black hole: from 1200 bytes, below the old size ┘
/// ```
///
/// The first probe has the size that this machine's route takes: most paths take it, and then the search ends after one
/// round trip. All sizes are bytes of a datagram, without the headers of IP and UDP.
struct PathMTU: Sendable {
    /// What each path must take, as handshakes do: RFC 8899 calls it BASE_PLPMTU.
    static let base = SessionParameters.smallestDatagram
    /// Probes of a size that are lost before the path does not take it: MAX_PROBES.
    static let mostProbes = 3
    /// The search ends when the size is known so well.
    static let precision = 16
    /// Nanoseconds after which a search begins again. RFC 8899 recommends ten minutes; most transfers end before.
    static let raiseInterval: Int64 = 60_000_000_000
    /// What Ethernet takes with IPv4: the size to try where the route's fails.
    static let ethernet = 1_472

    /// Bytes of the largest datagram that the peer receives, and this end sends.
    private let limit: Int
    /// What the path takes for certain.
    private(set) var size = Self.base
    /// The path does not take this, or it need not be tried now.
    private var ceiling: Int
    /// The size to try next; 0: the search is complete.
    private var target: Int
    private var failures = 0
    /// Tells probes apart: the last one that was made.
    private var serial: UInt64
    private var isUnderWay = false
    private var raisesAt: Instant?

    /// - Parameters:
    ///   - route: bytes that this machine's route takes.
    ///   - earlier: the search on the path before, whose probes may still be acknowledged.
    init(limit: Int, route: Int, after earlier: PathMTU? = nil) {
        self.limit = max(limit, Self.base)
        serial = earlier?.serial ?? 0
        let first = min(max(route, Self.base), self.limit)
        ceiling = first + 1
        target = first > Self.base ? first : 0
    }

    /// The bytes of the probe to send now; 0 without one.
    @inline(__always)
    mutating func probe(now: Instant) -> Int {
        if isUnderWay { return 0 }
        if target == 0 { raise(now: now) }
        return target
    }

    /// The probe goes out. Returns the number of its acknowledgment and its loss.
    mutating func sendsProbe() -> UInt64 {
        isUnderWay = true
        serial += 1
        return serial
    }

    mutating func acknowledged(_ number: UInt64) {
        guard isUnderWay, number == serial else { return }
        isUnderWay = false
        size = max(size, target)
        advance()
    }

    mutating func lost(_ number: UInt64) {
        guard isUnderWay, number == serial else { return }
        isUnderWay = false
        failures += 1
        if failures >= Self.mostProbes { fail(target) }
    }

    /// This machine does not send datagrams of so many bytes.
    mutating func refused(_ bytes: Int) {
        guard bytes > Self.base else { return }
        if bytes <= size {
            size = Self.base
            isUnderWay = false
        }
        guard bytes < ceiling else { return }
        // Probes are never shorter than what goes otherwise.
        isUnderWay = isUnderWay && target < bytes
        fail(bytes)
    }

    /// Datagrams of the present size do not arrive any more.
    mutating func fellIntoBlackHole() {
        guard size > Self.base else { return }
        let lost = size
        size = Self.base
        isUnderWay = false
        fail(lost)
    }

    private mutating func fail(_ bytes: Int) {
        ceiling = min(ceiling, bytes)
        advance()
    }

    private mutating func advance() {
        failures = 0
        raisesAt = nil
        guard ceiling - size > Self.precision else {
            target = 0
            return
        }
        let middle = size + (ceiling - size) / 2
        target = size < Self.ethernet && Self.ethernet < ceiling ? Self.ethernet : middle
    }

    /// After a while the path may take more.
    private mutating func raise(now: Instant) {
        guard size < limit else { return }
        guard let time = raisesAt else {
            raisesAt = now + Self.raiseInterval
            return
        }
        guard now >= time else { return }
        raisesAt = nil
        ceiling = limit + 1
        failures = 0
        target = limit
    }
}
