internal import Identity
internal import LinkMeasurement
internal import NIOCore
internal import Operations
internal import PacketIO
internal import Synchronization

/// The connections of the control port. It closes those that ``ConnectionSlots`` selects, and those whose handshake is
/// late.
final class ConnectionLedger: Sendable {
    private struct State {
        var slots: ConnectionSlots
        var channels: [ConnectionID: any Channel] = [:]
        /// Closes the late ones; exists only while some are in their handshake.
        var timer: Task<Void, Never>?
        /// Connections since memory was last returned.
        var sinceGiveBack = 0
    }

    /// So many connections leave buffers that are worth returning to the system when all are gone.
    private static let burst = 64
    /// Deadlines are precise to this.
    private static let coarseness = Duration.milliseconds(100)

    private let state: Mutex<State>

    init(limits: ConnectionLimits) { state = Mutex(State(slots: ConnectionSlots(limits: limits))) }

    /// Enters a new connection; the oldest unauthorized ones make room.
    func enter(
        _ id: ConnectionID,
        from host: InternetHost,
        channel: any Channel,
        at now: UInt64 = NIODeadline.now().uptimeNanoseconds
    ) {
        evictAndClose { state in
            state.channels[id] = channel
            state.sinceGiveBack += 1
            if state.timer == nil { state.timer = Task { await self.closeLate() } }
            return state.slots.enter(id, from: host, at: now)
        }
    }

    /// Bytes arrived that are buffered for an unauthorized connection.
    func grows(_ id: ConnectionID, by bytes: Int) {
        evictAndClose { $0.slots.grow(id, by: bytes) }
    }

    /// A connection has sent its ClientHello.
    func greets(_ id: ConnectionID) {
        evictAndClose { $0.slots.greet(id) }
    }

    /// Closes the oldest unauthorized connection, for its descriptor; false if there is none.
    @discardableResult
    func evictOldest() -> Bool {
        var isEvicted = false
        evictAndClose { state in
            let oldest = state.slots.evictOldest()
            isEvicted = oldest != nil
            return oldest.map { [$0] } ?? []
        }
        return isEvicted
    }

    /// Records the key that a connection presented, before it is decided whether that peer is authorized: ``drop(_:)``
    /// finds it from here on, so no removal can slip between the decision and its effect.
    func identify(_ id: ConnectionID, as peer: EndpointID) {
        state.withLock { $0.slots.identify(id, as: peer) }
    }

    /// The key is not a known peer's.
    func markAsStranger(_ id: ConnectionID) {
        evictAndClose { $0.slots.markAsStranger(id) }
    }

    /// Whether the connection is an authorized peer's from now on.
    func authorize(_ id: ConnectionID, as peer: EndpointID) -> ConnectionSlots.Verdict {
        state.withLock { $0.slots.authorize(id, as: peer) }
    }

    func leave(_ id: ConnectionID) {
        let isAfterBurst = state.withLock { state in
            state.slots.leave(id)
            state.channels[id] = nil
            guard state.channels.isEmpty, state.sinceGiveBack >= Self.burst else { return false }
            state.sinceGiveBack = 0
            return true
        }
        if isAfterBurst { ProcessMemory.trimSoon() }
    }

    /// Closes all connections of a peer, also those without a decision yet.
    func drop(_ peer: EndpointID) {
        let channels = state.withLock { state in state.slots.claimed(by: peer).compactMap { state.channels[$0] } }
        for channel in channels { AbruptClose.close(channel) }
    }

    /// Closes every connection.
    func dropAll() {
        let channels = state.withLock { state in Array(state.channels.values) }
        for channel in channels { AbruptClose.close(channel) }
    }

    struct Counts {
        /// Connections that have started their handshake, and those that have sent nothing yet.
        var open: Int
        var silent: Int
        var authorized: Int
        var accepted: UInt64
        var evicted: UInt64
    }

    var counts: Counts {
        state.withLock { state in
            Counts(
                open: state.slots.open,
                silent: state.slots.waiting,
                authorized: state.slots.authorized,
                accepted: state.slots.accepted,
                evicted: state.slots.evicted
            )
        }
    }

    private func evictAndClose(_ decide: (inout State) -> [ConnectionID]) {
        let channels = state.withLock { state in decide(&state).compactMap { state.channels[$0] } }
        for channel in channels { AbruptClose.close(channel) }
    }

    private func closeLate() async {
        while true {
            let now = NIODeadline.now().uptimeNanoseconds
            let (late, next) = state.withLock { state -> ([any Channel], UInt64?) in
                let late = state.slots.expire(at: now).compactMap { state.channels[$0] }
                let next = state.slots.nextDeadline
                if next == nil { state.timer = nil }
                return (late, next)
            }
            for channel in late { AbruptClose.close(channel) }
            guard let next else { return }
            try? await Task.sleep(for: max(Self.coarseness, .nanoseconds(Int64(clamping: next &- now))))
        }
    }
}
