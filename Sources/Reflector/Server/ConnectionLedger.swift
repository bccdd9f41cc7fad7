internal import Identity
internal import NIOCore
internal import Operations
internal import PacketIO
internal import Synchronization

/// Counts connections and decides who must go when there are too many.
///
/// Whoever is not authorised holds a place only until somebody newer needs it: a flood of stalled handshakes pushes out
/// itself, and a paired peer still gets in.
final class ConnectionLedger: Sendable {
    fileprivate struct Entry {
        let source: InternetHost
        let channel: any Channel
        /// Whose key was presented; that peer may still be refused.
        var claimed: EndpointID?
        /// Set once the peer may speak.
        var peer: EndpointID?
    }

    fileprivate struct State {
        var entries: [ConnectionID: Entry] = [:]
        /// Those that are not authorised, oldest first.
        var waiting: [ConnectionID] = []
        var evicted: UInt64 = 0
        var accepted: UInt64 = 0
        /// Connections since memory was last given back.
        var sinceGiveBack = 0
    }

    /// So many connections leave buffers behind that are worth giving back when all are gone.
    private static let burst = 64

    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(limits: ConnectionLimits) { self.limits = limits }

    /// Enters a new connection. False when even pushing out others makes no room; then it must be closed.
    func enter(_ id: ConnectionID, from host: InternetHost, channel: any Channel) -> Bool {
        let source = Self.source(host)
        let (entered, evicted) = state.withLock { state -> (Bool, (any Channel)?) in
            var evicted: (any Channel)?
            let ofSource = state.waiting.filter { state.entries[$0]?.source == source }
            if ofSource.count >= limits.maxConnectionsPerAddress, let oldest = ofSource.first {
                evicted = state.remove(oldest)
            } else if state.entries.count >= limits.maxConnections {
                guard let oldest = state.waiting.first else { return (false, nil) }
                evicted = state.remove(oldest)
            }
            if evicted != nil { state.evicted += 1 }
            state.accepted += 1
            state.entries[id] = Entry(source: source, channel: channel)
            state.waiting.append(id)
            state.sinceGiveBack += 1
            return (true, evicted)
        }
        evicted.map(AbruptClose.close)
        return entered
    }

    /// Closes the oldest connection that is not authorised, for its descriptor; false when there is none.
    @discardableResult
    func evictOldest() -> Bool {
        let evicted = state.withLock { state -> (any Channel)? in
            guard let oldest = state.waiting.first else { return nil }
            state.evicted += 1
            return state.remove(oldest)
        }
        evicted.map(AbruptClose.close)
        return evicted != nil
    }

    /// Notes whose key a connection presented, before it is decided whether that peer may speak: ``drop(_:)`` finds it
    /// from here on, so no removal slips between the decision and its effect.
    func identify(_ id: ConnectionID, as peer: EndpointID) {
        state.withLock { $0.entries[id]?.claimed = peer }
    }

    /// The connection is an authorised peer's from now on; false when that peer has too many.
    func authorise(_ id: ConnectionID, as peer: EndpointID) -> Bool {
        state.withLock { state in
            guard state.entries[id] != nil else { return false }
            let ofPeer = state.entries.values.count { $0.peer == peer }
            guard ofPeer < limits.maxConnectionsPerPeer else { return false }
            state.entries[id]?.peer = peer
            state.waiting.removeAll { $0 == id }
            return true
        }
    }

    func leave(_ id: ConnectionID) {
        let isAfterBurst = state.withLock { state in
            _ = state.remove(id)
            guard state.entries.isEmpty, state.sinceGiveBack >= Self.burst else { return false }
            state.sinceGiveBack = 0
            return true
        }
        guard isAfterBurst else { return }
        // The last connection's own buffers are freed after this.
        Task {
            try? await Task.sleep(for: .seconds(1))
            ProcessMemory.giveBack()
        }
    }

    /// Closes all connections of a peer, also those about which nothing is decided yet.
    func drop(_ peer: EndpointID) {
        let channels = state.withLock { state in state.entries.values.filter { $0.claimed == peer }.map(\.channel) }
        for channel in channels { AbruptClose.close(channel) }
    }

    /// Closes every connection.
    func dropAll() {
        let channels = state.withLock { state in state.entries.values.map(\.channel) }
        for channel in channels { AbruptClose.close(channel) }
    }

    var counts: (open: Int, authorised: Int, accepted: UInt64, evicted: UInt64) {
        state.withLock { ($0.entries.count, $0.entries.count - $0.waiting.count, $0.accepted, $0.evicted) }
    }

    /// One host for IPv4; the /64 for IPv6, of which anybody has 2^64 addresses.
    private static func source(_ host: InternetHost) -> InternetHost {
        host.isIPv4 ? host : InternetHost(high: host.high, low: 0)
    }
}

extension ConnectionLedger.State {
    fileprivate mutating func remove(_ id: ConnectionID) -> (any Channel)? {
        waiting.removeAll { $0 == id }
        return entries.removeValue(forKey: id)?.channel
    }
}
