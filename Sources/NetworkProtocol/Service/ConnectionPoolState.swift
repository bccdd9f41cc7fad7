/// The users of a pool's connections, and the tasks that wait for one. No clock, task or socket inside.
///
///     acquire ─▶ waiting ─▶ granted ─▶ released                     a slot on a connection
///                  └▶ given up: timed out, canceled, failed, closed
///     connecting ─▶ open ⇄ idle ─▶ closing ─▶ gone                  a connection
///
/// Waiters are served strictly in the order of their calls: requests that could share a connection do not pass a waiter
/// that needs one exclusively. Every event returns the actions to take outside. Slots and connections are counted only
/// here, so the limit holds whatever happens outside, in any order; a connection that is being closed counts until it
/// has ended. Late events (for a connection that is gone, or a waiter that was already served) are ignored: they lost a
/// race.
struct ConnectionPoolState<Connection: Sendable>: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How a connection is used.
    enum Use: Sendable {
        /// Exclusively.
        case exclusive
        /// By up to ``requestsPerConnection`` requests.
        case shared
    }

    /// A slot on a connection; must be returned with ``release(_:discarding:now:)`` exactly once.
    struct Lease: Sendable {
        let slot: UInt64
        let connection: Connection
    }

    /// What to do, in this order.
    struct Actions: Sendable {
        var granted: [(waiter: UInt64, lease: Lease)] = []
        var failed: [(waiter: UInt64, error: ConnectionError)] = []
        /// Connections to make; each ends in ``connected(_:_:now:)`` or ``connectFailed(_:_:now:)``.
        var connect: [UInt64] = []
        /// Connections to close; each ends in ``ended(_:now:)``.
        var close: [Connection] = []
        /// When to ask about connections with ``alarm(_:now:)``: at most one alarm for each, however often it is used.
        var alarms: [(slot: UInt64, at: Instant)] = []
    }

    private struct Slot {
        /// Nil while it is being made.
        var connection: Connection?
        var users = 0
        var isExclusive = false
        /// When it was last returned.
        var idleSince: Instant
        var hasAlarm = false
        /// No longer to be used, but not gone yet.
        var isClosing = false

        var isIdle: Bool { connection != nil && users == 0 && !isClosing }
    }

    private let limit: Int
    private let requestsPerConnection: Int
    private let idleLimit: Int
    private let idleTime: Duration

    private var slots: [UInt64: Slot] = [:]
    private var connecting = 0
    private var waiting: [UInt64: Use] = [:]
    private var waitingExclusive = 0
    /// Numbers of waiters in their order; some have gone since.
    private var order: [UInt64] = []
    private var first = 0
    private var nextID: UInt64 = 0
    private(set) var isClosed = false

    init(limit: Int, requestsPerConnection: Int, idleLimit: Int, idleTime: Duration) {
        self.limit = limit
        self.requestsPerConnection = requestsPerConnection
        self.idleLimit = idleLimit
        self.idleTime = idleTime
    }

    var connectionCount: Int { slots.values.count { $0.connection != nil && !$0.isClosing } }
    var connectingCount: Int { connecting }
    var idleCount: Int { slots.values.count { $0.isIdle } }
    var waiterCount: Int { waiting.count }

    // MARK: Events

    /// A number for a waiter.
    mutating func newWaiter() -> UInt64 {
        nextID += 1
        return nextID
    }

    /// A slot that is free while there are no waiters.
    mutating func take(_ use: Use) -> Lease? {
        guard waiting.isEmpty, !isClosed, let slot = freeSlot(for: use) else { return nil }
        return lease(slot, use)
    }

    /// Adds a waiter, to be served by this or a later event.
    mutating func acquire(_ use: Use, as waiter: UInt64, now: Instant) -> Actions {
        guard !isClosed else {
            var actions = Actions()
            actions.failed.append((waiter, .closed))
            return actions
        }
        waiting[waiter] = use
        if use == .exclusive { waitingExclusive += 1 }
        order.append(waiter)
        return serve(now)
    }

    /// The waiter stops waiting. Does nothing for one that was already served.
    mutating func giveUp(_ waiter: UInt64, _ error: ConnectionError, now: Instant) -> Actions {
        guard leaveQueue(waiter) else { return Actions() }
        // It may have blocked others that can be served.
        var actions = serve(now)
        actions.failed.append((waiter, error))
        return actions
    }

    /// - Parameter discarding: the connection must not be used again.
    mutating func release(_ lease: Lease, discarding: Bool, now: Instant) -> Actions {
        guard var slot = slots[lease.slot] else { return Actions() }
        slot.users -= 1
        slot.isExclusive = false
        slot.idleSince = now
        slots[lease.slot] = slot
        var closing = Actions()
        if discarding { close(lease.slot, &closing) }
        var actions = serve(now)
        actions.close += closing.close
        settle(lease.slot, &actions)
        return actions
    }

    mutating func connected(_ id: UInt64, _ connection: Connection, now: Instant) -> Actions {
        guard slots[id] != nil else {
            // The pool was closed in the meantime.
            var actions = Actions()
            actions.close.append(connection)
            return actions
        }
        connecting -= 1
        slots[id] = Slot(connection: connection, idleSince: now)
        var actions = serve(now)
        settle(id, &actions)
        return actions
    }

    /// The first waiter gets the error, because the attempt was for it; if no other connection can be expected, all
    /// waiters do.
    mutating func connectFailed(_ id: UInt64, _ error: ConnectionError, now: Instant) -> Actions {
        guard slots.removeValue(forKey: id) != nil else { return Actions() }
        connecting -= 1
        var failed: [(waiter: UInt64, error: ConnectionError)] = []
        repeat {
            guard let waiter = firstWaiter() else { break }
            leaveQueue(waiter)
            failed.append((waiter, error))
        } while slots.isEmpty
        var actions = serve(now)
        actions.failed = failed
        return actions
    }

    /// The connection has ended; its user learns that from the connection itself.
    mutating func ended(_ id: UInt64, now: Instant) -> Actions {
        guard slots[id]?.connection != nil else { return Actions() }
        slots[id] = nil
        return serve(now)
    }

    /// An alarm of ``Actions/alarms`` fires.
    mutating func alarm(_ id: UInt64, now: Instant) -> Actions {
        var actions = Actions()
        slots[id]?.hasAlarm = false
        guard let slot = slots[id], slot.isIdle else { return actions }
        if now - slot.idleSince >= idleTime { close(id, &actions) } else { setAlarm(id, &actions) }
        return actions
    }

    private mutating func close(_ id: UInt64, _ actions: inout Actions) {
        guard let slot = slots[id], !slot.isClosing, let connection = slot.connection else { return }
        slots[id]?.isClosing = true
        actions.close.append(connection)
    }

    private mutating func setAlarm(_ id: UInt64, _ actions: inout Actions) {
        guard let slot = slots[id], !slot.hasAlarm else { return }
        slots[id]?.hasAlarm = true
        actions.alarms.append((id, slot.idleSince + idleTime))
    }

    /// No waiter is served anymore. Connections in progress are closed once they are open.
    mutating func close() -> Actions {
        var actions = Actions()
        isClosed = true
        actions.close = slots.values.compactMap(\.connection)
        actions.failed = waiting.keys.sorted().map { ($0, .closed) }
        slots = [:]
        connecting = 0
        waiting = [:]
        waitingExclusive = 0
        order = []
        first = 0
        return actions
    }

    // MARK: Serving

    /// Gives slots to waiters from the first on, as long as there are any, and requests connections for those that need
    /// one.
    private mutating func serve(_ now: Instant) -> Actions {
        var actions = Actions()
        guard !isClosed else { return actions }
        while let waiter = firstWaiter(), let use = waiting[waiter] {
            guard let slot = freeSlot(for: use), let lease = lease(slot, use) else { break }
            leaveQueue(waiter)
            actions.granted.append((waiter, lease))
        }
        while connecting < needed, slots.count < limit {
            nextID += 1
            slots[nextID] = Slot(idleSince: now)
            connecting += 1
            actions.connect.append(nextID)
        }
        return actions
    }

    /// The best connection: the least busy one for shared use, and of several the oldest in the pool, so that under
    /// little load the others become idle.
    private func freeSlot(for use: Use) -> UInt64? {
        let limit = use == .exclusive ? 1 : requestsPerConnection
        var best: (id: UInt64, users: Int)?
        for (id, slot) in slots
        where slot.connection != nil && !slot.isClosing && !slot.isExclusive && slot.users < limit {
            if let best, (best.users, best.id) < (slot.users, id) { continue }
            best = (id, slot.users)
        }
        return best?.id
    }

    /// Connections that the waiters could use.
    private var needed: Int {
        let sharing = waiting.count - waitingExclusive
        return waitingExclusive + sharing / requestsPerConnection + (sharing % requestsPerConnection == 0 ? 0 : 1)
    }

    private mutating func lease(_ id: UInt64, _ use: Use) -> Lease? {
        guard let connection = slots[id]?.connection else { return nil }
        slots[id]?.users += 1
        slots[id]?.isExclusive = use == .exclusive
        return Lease(slot: id, connection: connection)
    }

    /// False if it had already left.
    @discardableResult
    private mutating func leaveQueue(_ waiter: UInt64) -> Bool {
        guard let use = waiting.removeValue(forKey: waiter) else { return false }
        if use == .exclusive { waitingExclusive -= 1 }
        return true
    }

    private mutating func firstWaiter() -> UInt64? {
        while first < order.count {
            if waiting[order[first]] != nil { break }
            first += 1
        }
        if first > 64, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
        return first < order.count ? order[first] : nil
    }

    /// After a connection was returned or made: keeps it idle or closes it, if no waiter took it.
    private mutating func settle(_ id: UInt64, _ actions: inout Actions) {
        guard let slot = slots[id], slot.isIdle else { return }
        if idleCount > idleLimit { close(id, &actions) } else { setAlarm(id, &actions) }
    }
}
