internal import Identity
internal import PacketIO

/// Which connections may be, and which must go when there are too many. No clock and no channel inside: times are given, in
/// nanoseconds of a clock that never goes back.
///
///     silent ──ClientHello──▶ greeting ──handshake──▶ (stranger) ──known──▶ authorised
///
/// A connection without a ClientHello costs little and waits among thousands. One with TLS costs more and waits among
/// hundreds. In both crowds the oldest goes first, so that a flood pushes out itself: at 1 000 connections a second a peer has
/// more than 300 ms for each of the two steps, from the same address as the flood as well. Those of known peers are counted
/// apart and are never pushed out.
struct ConnectionPlaces {
    /// Memory of a connection without TLS, bytes, besides what it has sent.
    static let silentCost = 4 << 10
    /// Memory of TLS in its handshake, bytes, besides what was sent to it; measured by `Benchmarks/reflector/floods.py`.
    static let greetingCost = 48 << 10
    /// Memory of those without TLS, and one address's part of it.
    static let silentMemory = 16 << 20
    static let silentShare = 8 << 20
    /// Memory of those with TLS that are not authorised, and one address's part of it.
    static let greetingMemory = 32 << 20
    static let greetingShare = 24 << 20

    /// What a connection that wants to be a known peer's gets to hear.
    enum Verdict: Equatable {
        case authorised
        /// It has been pushed out, or has left.
        case gone
        /// Its peer has as many as it may.
        case peerIsFull
        /// Known peers hold all places.
        case full
    }

    private struct Entry {
        let source: InternetHost
        /// When its handshake must be done.
        let deadline: UInt64
        var hasIdentified = false
        /// Whose key was presented; that peer may still be refused.
        var claimed: EndpointID?
        /// Set once the peer may speak.
        var peer: EndpointID?
    }

    private let limits: ConnectionLimits
    private var entries: [ConnectionID: Entry] = [:]
    private var silent = Crowd(limit: Self.silentMemory, share: Self.silentShare)
    private var greeting = Crowd(limit: Self.greetingMemory, share: Self.greetingShare)
    /// Strangers that have shown their key, by address.
    private var strangers: [InternetHost: AgeQueue] = [:]
    private var strangerCounts: [InternetHost: Int] = [:]
    /// In the order of their deadlines.
    private var arrivals = AgeQueue()
    private var ofPeer: [EndpointID: Int] = [:]
    private(set) var authorised = 0
    private(set) var evicted: UInt64 = 0
    private(set) var accepted: UInt64 = 0

    init(limits: ConnectionLimits) { self.limits = limits }

    var isEmpty: Bool { entries.isEmpty }
    /// Those that have said something and those that have not.
    var open: Int { entries.count - silent.count }
    var waiting: Int { silent.count }
    /// Memory of those that are not authorised, by this account.
    var unauthorisedCost: Int { silent.cost + greeting.cost }

    /// A new connection.
    /// - Returns: those that must go for it.
    mutating func enter(_ id: ConnectionID, from host: InternetHost, at now: UInt64) -> [ConnectionID] {
        let source = Self.source(host)
        var leaving: [ConnectionID] = []
        while silent.count + greeting.count >= limits.maxUnauthorised, let oldest = oldestUnauthorised {
            leaving.append(oldest)
            evict(oldest)
        }
        accepted += 1
        let deadline = now &+ UInt64(limits.handshakeTimeoutSec) * 1_000_000_000
        entries[id] = Entry(source: source, deadline: deadline)
        arrivals.append(id)
        return leaving + evicting(silent.enter(id, from: source, cost: Self.silentCost))
    }

    /// Bytes came that are held.
    mutating func grow(_ id: ConnectionID, by bytes: Int) -> [ConnectionID] {
        evicting(silent.grow(id, by: bytes)) + evicting(greeting.grow(id, by: bytes))
    }

    /// TLS is made for it.
    mutating func greet(_ id: ConnectionID) -> [ConnectionID] {
        guard let source = entries[id]?.source, silent.leave(id) else { return [] }
        return evicting(greeting.enter(id, from: source, cost: Self.greetingCost))
    }

    /// Its handshake is done.
    mutating func identify(_ id: ConnectionID, as peer: EndpointID) {
        entries[id]?.claimed = peer
        entries[id]?.hasIdentified = true
        arrivals.remove(id)
    }

    /// Its key is no known peer's.
    mutating func estrange(_ id: ConnectionID) -> [ConnectionID] {
        guard let entry = entries[id], entry.peer == nil else { return [] }
        strangers[entry.source, default: AgeQueue()].append(id)
        strangerCounts[entry.source, default: 0] += 1
        guard strangerCounts[entry.source, default: 0] > limits.maxConnectionsPerAddress,
            let oldest = strangers[entry.source]?.oldest
        else { return [] }
        return evicting([oldest])
    }

    mutating func authorise(_ id: ConnectionID, as peer: EndpointID) -> Verdict {
        guard let entry = entries[id] else { return .gone }
        guard ofPeer[peer, default: 0] < limits.maxConnectionsPerPeer else { return .peerIsFull }
        guard authorised < limits.maxConnections else { return .full }
        leaveCrowds(id, entry)
        entries[id]?.peer = peer
        ofPeer[peer, default: 0] += 1
        authorised += 1
        return .authorised
    }

    mutating func leave(_ id: ConnectionID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        leaveCrowds(id, entry)
        guard let peer = entry.peer else { return }
        authorised -= 1
        let left = ofPeer[peer, default: 1] - 1
        ofPeer[peer] = left > 0 ? left : nil
    }

    /// The one that can be done without first; nil when all are authorised.
    mutating func evictOldest() -> ConnectionID? {
        guard let oldest = oldestUnauthorised else { return nil }
        evict(oldest)
        return oldest
    }

    /// Those whose handshake is not done in time.
    mutating func expire(at now: UInt64) -> [ConnectionID] {
        var expired: [ConnectionID] = []
        while let oldest = arrivals.oldest, let deadline = entries[oldest]?.deadline, deadline <= now {
            leave(oldest)
            expired.append(oldest)
        }
        return expired
    }

    /// When ``expire(at:)`` finds something next.
    var nextDeadline: UInt64? {
        mutating get { arrivals.oldest.flatMap { entries[$0]?.deadline } }
    }

    func claimed(by peer: EndpointID) -> [ConnectionID] {
        entries.filter { $0.value.claimed == peer }.map(\.key)
    }

    private var oldestUnauthorised: ConnectionID? {
        mutating get { silent.oldest ?? greeting.oldest }
    }

    private mutating func evict(_ id: ConnectionID) {
        leave(id)
        evicted += 1
    }

    private mutating func evicting(_ ids: [ConnectionID]) -> [ConnectionID] {
        for id in ids { evict(id) }
        return ids
    }

    private mutating func leaveCrowds(_ id: ConnectionID, _ entry: Entry) {
        silent.leave(id)
        greeting.leave(id)
        arrivals.remove(id)
        guard strangers[entry.source]?.remove(id) == true else { return }
        let left = strangerCounts[entry.source, default: 1] - 1
        strangerCounts[entry.source] = left > 0 ? left : nil
        if left <= 0 { strangers[entry.source] = nil }
    }

    /// One host for IPv4; the /64 for IPv6, of which anybody has 2^64 addresses.
    private static func source(_ host: InternetHost) -> InternetHost {
        host.isIPv4 ? host : InternetHost(high: host.high, low: 0)
    }
}
