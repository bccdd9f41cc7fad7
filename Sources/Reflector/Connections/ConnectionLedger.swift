internal import Identity
internal import LinkMeasurement
internal import NIOCore
internal import Operations
internal import PacketIO
internal import Synchronization

/// The connections of the control port. It closes those that ``ConnectionPlaces`` decides on, and those whose handshake is not
/// done in time.
final class ConnectionLedger: Sendable {
    private struct State {
        var places: ConnectionPlaces
        var channels: [ConnectionID: any Channel] = [:]
        /// Closes those whose time is over; exists only while some are in their handshake.
        var timer: Task<Void, Never>?
        /// Connections since memory was last given back.
        var sinceGiveBack = 0
    }

    /// So many connections leave buffers behind that are worth giving back when all are gone.
    private static let burst = 64
    /// Deadlines are kept to within this.
    private static let coarseness = Duration.milliseconds(100)

    private let state: Mutex<State>

    init(limits: ConnectionLimits) { state = Mutex(State(places: ConnectionPlaces(limits: limits))) }

    /// Enters a new connection; the oldest of those that are not authorised make room.
    func enter(
        _ id: ConnectionID,
        from host: InternetHost,
        channel: any Channel,
        at now: UInt64 = NIODeadline.now().uptimeNanoseconds
    ) {
        pushOut { state in
            state.channels[id] = channel
            state.sinceGiveBack += 1
            if state.timer == nil { state.timer = Task { await self.closeLate() } }
            return state.places.enter(id, from: host, at: now)
        }
    }

    /// Bytes came that are held for a connection that is not authorised.
    func grows(_ id: ConnectionID, by bytes: Int) {
        pushOut { $0.places.grow(id, by: bytes) }
    }

    /// A connection has said its ClientHello.
    func greets(_ id: ConnectionID) {
        pushOut { $0.places.greet(id) }
    }

    /// Closes the oldest connection that is not authorised, for its descriptor; false when there is none.
    @discardableResult
    func evictOldest() -> Bool {
        var isEvicted = false
        pushOut { state in
            let oldest = state.places.evictOldest()
            isEvicted = oldest != nil
            return oldest.map { [$0] } ?? []
        }
        return isEvicted
    }

    /// Notes whose key a connection presented, before it is decided whether that peer may speak: ``drop(_:)`` finds it
    /// from here on, so no removal slips between the decision and its effect.
    func identify(_ id: ConnectionID, as peer: EndpointID) {
        state.withLock { $0.places.identify(id, as: peer) }
    }

    /// The key is no known peer's.
    func estrange(_ id: ConnectionID) {
        pushOut { $0.places.estrange(id) }
    }

    /// Whether the connection is an authorised peer's from now on.
    func authorise(_ id: ConnectionID, as peer: EndpointID) -> ConnectionPlaces.Verdict {
        state.withLock { $0.places.authorise(id, as: peer) }
    }

    func leave(_ id: ConnectionID) {
        let isAfterBurst = state.withLock { state in
            state.places.leave(id)
            state.channels[id] = nil
            guard state.channels.isEmpty, state.sinceGiveBack >= Self.burst else { return false }
            state.sinceGiveBack = 0
            return true
        }
        if isAfterBurst { ProcessMemory.giveBackSoon() }
    }

    /// Closes all connections of a peer, also those about which nothing is decided yet.
    func drop(_ peer: EndpointID) {
        let channels = state.withLock { state in state.places.claimed(by: peer).compactMap { state.channels[$0] } }
        for channel in channels { AbruptClose.close(channel) }
    }

    /// Closes every connection.
    func dropAll() {
        let channels = state.withLock { state in Array(state.channels.values) }
        for channel in channels { AbruptClose.close(channel) }
    }

    struct Counts {
        /// Connections that have begun their handshake, and those that have said nothing yet.
        var open: Int
        var silent: Int
        var authorised: Int
        var accepted: UInt64
        var evicted: UInt64
    }

    var counts: Counts {
        state.withLock { state in
            Counts(
                open: state.places.open,
                silent: state.places.waiting,
                authorised: state.places.authorised,
                accepted: state.places.accepted,
                evicted: state.places.evicted
            )
        }
    }

    private func pushOut(_ decide: (inout State) -> [ConnectionID]) {
        let channels = state.withLock { state in decide(&state).compactMap { state.channels[$0] } }
        for channel in channels { AbruptClose.close(channel) }
    }

    private func closeLate() async {
        while true {
            let now = NIODeadline.now().uptimeNanoseconds
            let (late, next) = state.withLock { state -> ([any Channel], UInt64?) in
                let late = state.places.expire(at: now).compactMap { state.channels[$0] }
                let next = state.places.nextDeadline
                if next == nil { state.timer = nil }
                return (late, next)
            }
            for channel in late { AbruptClose.close(channel) }
            guard let next else { return }
            try? await Task.sleep(for: max(Self.coarseness, .nanoseconds(Int64(clamping: next &- now))))
        }
    }
}
