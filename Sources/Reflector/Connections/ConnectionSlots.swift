internal import Identity
internal import PacketIO

/// Which connections may exist, and which are evicted if there are too many. No clock and no channel inside: times are
/// arguments, in nanoseconds of a monotonic clock.
///
///     silent ──ClientHello──▶ greeting ──handshake──▶ (stranger) ──known──▶ authorized
///
/// A connection without a ClientHello costs little and waits among thousands. One with TLS costs more and waits among
/// hundreds. In both groups the oldest is evicted first, so that a flood evicts itself: at 1 000 connections a second,
/// a peer has more than 300 ms for each of the two steps, even from the same address as the flood. Connections of known
/// peers are counted separately and are never evicted.
struct ConnectionSlots {
    /// Memory of a connection without TLS, in bytes, besides what it has sent.
    static let silentCost = 4 << 10
    /// Memory of TLS during its handshake, in bytes, besides what it has received; measured by
    /// `Benchmarks/reflector/floods.py`.
    static let greetingCost = 48 << 10
    /// Memory for those without TLS, and one address's share.
    static let silentMemory = 16 << 20
    static let silentShare = 8 << 20
    /// Memory for unauthorized ones with TLS, and one address's share.
    static let greetingMemory = 32 << 20
    static let greetingShare = 24 << 20

    /// The result for a connection that presents a known peer's key.
    enum Verdict: Equatable {
        case authorized
        /// It has been evicted, or has left.
        case gone
        /// Its peer has reached its limit.
        case peerIsFull
        /// Known peers hold all slots.
        case full
    }

    private struct Entry {
        let source: InternetHost
        /// When its handshake must be done.
        let deadline: UInt64
        var hasIdentified = false
        /// The peer of the presented key, which may still be refused.
        var claimed: EndpointID?
        /// Set once the peer is authorized.
        var peer: EndpointID?
    }

    private let limits: ConnectionLimits
    private var entries: [ConnectionID: Entry] = [:]
    private var silent = EvictionPool(limit: Self.silentMemory, share: Self.silentShare)
    private var greeting = EvictionPool(limit: Self.greetingMemory, share: Self.greetingShare)
    /// Strangers that have shown their key, by address.
    private var strangers: [InternetHost: AgeQueue] = [:]
    private var strangerCounts: [InternetHost: Int] = [:]
    /// In the order of their deadlines.
    private var arrivals = AgeQueue()
    private var ofPeer: [EndpointID: Int] = [:]
    private(set) var authorized = 0
    private(set) var evicted: UInt64 = 0
    private(set) var accepted: UInt64 = 0

    init(limits: ConnectionLimits) { self.limits = limits }

    var isEmpty: Bool { entries.isEmpty }
    /// Those that have sent something and those that have not.
    var open: Int { entries.count - silent.count }
    var waiting: Int { silent.count }
    /// Memory of the unauthorized ones, by this accounting.
    var unauthorizedCost: Int { silent.cost + greeting.cost }

    /// A new connection.
    /// - Returns: those that must be closed for it.
    mutating func enter(_ id: ConnectionID, from host: InternetHost, at now: UInt64) -> [ConnectionID] {
        let source = Self.source(host)
        var leaving: [ConnectionID] = []
        while silent.count + greeting.count >= limits.maxUnauthorized, let oldest = oldestUnauthorized {
            leaving.append(oldest)
            evict(oldest)
        }
        accepted += 1
        let deadline = now &+ UInt64(limits.handshakeTimeoutSec) * 1_000_000_000
        entries[id] = Entry(source: source, deadline: deadline)
        arrivals.append(id)
        return leaving + evicting(silent.enter(id, from: source, cost: Self.silentCost))
    }

    /// Bytes arrived that are buffered.
    mutating func grow(_ id: ConnectionID, by bytes: Int) -> [ConnectionID] {
        evicting(silent.grow(id, by: bytes)) + evicting(greeting.grow(id, by: bytes))
    }

    /// TLS is created for it.
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

    /// Its key is not a known peer's.
    mutating func markAsStranger(_ id: ConnectionID) -> [ConnectionID] {
        guard let entry = entries[id], entry.peer == nil else { return [] }
        strangers[entry.source, default: AgeQueue()].append(id)
        strangerCounts[entry.source, default: 0] += 1
        guard strangerCounts[entry.source, default: 0] > limits.maxConnectionsPerAddress,
            let oldest = strangers[entry.source]?.oldest
        else { return [] }
        return evicting([oldest])
    }

    mutating func authorize(_ id: ConnectionID, as peer: EndpointID) -> Verdict {
        guard let entry = entries[id] else { return .gone }
        guard ofPeer[peer, default: 0] < limits.maxConnectionsPerPeer else { return .peerIsFull }
        guard authorized < limits.maxConnections else { return .full }
        leavePools(id, entry)
        entries[id]?.peer = peer
        ofPeer[peer, default: 0] += 1
        authorized += 1
        return .authorized
    }

    mutating func leave(_ id: ConnectionID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        leavePools(id, entry)
        guard let peer = entry.peer else { return }
        authorized -= 1
        let left = ofPeer[peer, default: 1] - 1
        ofPeer[peer] = left > 0 ? left : nil
    }

    /// The best one to evict; nil if all are authorized.
    mutating func evictOldest() -> ConnectionID? {
        guard let oldest = oldestUnauthorized else { return nil }
        evict(oldest)
        return oldest
    }

    /// Those whose handshake is late.
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

    private var oldestUnauthorized: ConnectionID? {
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

    private mutating func leavePools(_ id: ConnectionID, _ entry: Entry) {
        silent.leave(id)
        greeting.leave(id)
        arrivals.remove(id)
        guard strangers[entry.source]?.remove(id) == true else { return }
        let left = strangerCounts[entry.source, default: 1] - 1
        strangerCounts[entry.source] = left > 0 ? left : nil
        if left <= 0 { strangers[entry.source] = nil }
    }

    /// The host for IPv4; the /64 for IPv6, of which anyone has 2^64 addresses.
    private static func source(_ host: InternetHost) -> InternetHost {
        host.isIPv4 ? host : InternetHost(high: host.high, low: 0)
    }
}
