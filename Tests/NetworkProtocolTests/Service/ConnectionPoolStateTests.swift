internal import Testing

@testable import NetworkProtocol

/// The pool's state alone: connections are numbers, and outside events happen when the test makes them happen.
@Suite struct ConnectionPoolStateTests {
    typealias State = ConnectionPoolState<Int>

    let start = ContinuousClock.now

    private func state(limit: Int, requestsPerConnection: Int = 1, idleLimit: Int = 100) -> State {
        State(limit: limit, requestsPerConnection: requestsPerConnection, idleLimit: idleLimit, idleTime: .seconds(60))
    }

    /// Adds a waiter.
    private func enter(_ state: inout State, _ use: State.Use) -> (waiter: UInt64, actions: State.Actions) {
        let waiter = state.newWaiter()
        return (waiter, state.acquire(use, as: waiter, now: start))
    }

    @Test func `a caller that needs a connection has one made, up to the limit, and then waits`() {
        var state = state(limit: 2)
        let connects = (0..<5).map { _ in enter(&state, .exclusive).actions.connect.count }
        #expect(connects == [1, 1, 0, 0, 0])
        #expect(state.connectingCount == 2)
        #expect(state.waiterCount == 5)
    }

    @Test func `waiters are served in the order they came`() throws {
        var state = state(limit: 1)
        let waiters = (0..<4).map { _ in enter(&state, .exclusive) }
        let slot = try #require(waiters[0].actions.connect.first)
        var granted = state.connected(slot, 7, now: start).granted
        var order: [UInt64] = []
        while let next = granted.first {
            #expect(granted.count == 1)
            order.append(next.waiter)
            granted = state.release(next.lease, discarding: false, now: start).granted
        }
        #expect(order == waiters.map(\.waiter))
    }

    @Test func `requests share a connection until it has as many as it may`() throws {
        var state = state(limit: 2, requestsPerConnection: 3)
        let first = enter(&state, .shared)
        let others = (0..<5).map { _ in enter(&state, .shared) }
        #expect(others.map(\.actions.connect.count) == [0, 0, 1, 0, 0])
        let slots = [first.actions, others[2].actions].compactMap(\.connect.first)
        #expect(state.connected(slots[0], 0, now: start).granted.count == 3)
        #expect(state.connected(slots[1], 1, now: start).granted.count == 3)
        #expect(state.take(.shared) == nil)
    }

    @Test func `a request goes to the least busy connection`() {
        var state = state(limit: 2, requestsPerConnection: 4)
        let waiters = (0..<5).map { _ in enter(&state, .shared).actions }
        let slots = waiters.flatMap(\.connect)
        #expect(slots.count == 2)
        let first = state.connected(slots[0], 0, now: start).granted.map(\.lease)
        _ = state.connected(slots[1], 1, now: start)
        // Four on the first, one on the second; then two, of four that there may be, and one.
        for lease in first.prefix(2) { _ = state.release(lease, discarding: false, now: start) }
        let taken = (0..<4).map { _ in state.take(.shared)?.connection }
        // Of two that are equally busy, the one that is older in the pool.
        #expect(taken == [1, 0, 1, 0])
    }

    @Test func `a caller that needs a connection to itself is not passed by requests that could share`() throws {
        var state = state(limit: 1, requestsPerConnection: 10)
        let slot = try #require(enter(&state, .shared).actions.connect.first)
        let lease = try #require(state.connected(slot, 0, now: start).granted.first).lease
        let alone = enter(&state, .exclusive)
        #expect(alone.actions.granted.isEmpty)
        #expect(state.take(.shared) == nil)
        let behind = enter(&state, .shared)
        #expect(behind.actions.granted.isEmpty)
        let next = state.release(lease, discarding: false, now: start).granted
        #expect(next.map(\.waiter) == [alone.waiter])
        let last = state.release(next[0].lease, discarding: false, now: start).granted
        #expect(last.map(\.waiter) == [behind.waiter])
    }

    @Test func `when the first in the queue gives up, those behind it are served`() throws {
        var state = state(limit: 1, requestsPerConnection: 10)
        let slot = try #require(enter(&state, .shared).actions.connect.first)
        _ = state.connected(slot, 0, now: start)
        let alone = enter(&state, .exclusive)
        let behind = (0..<3).map { _ in enter(&state, .shared).waiter }
        let actions = state.giveUp(alone.waiter, .cancelled, now: start)
        #expect(actions.granted.map(\.waiter) == behind)
        #expect(actions.failed.map(\.waiter) == [alone.waiter])
        #expect(state.giveUp(alone.waiter, .cancelled, now: start).failed.isEmpty)
    }

    @Test func `a connection that cannot be made fails all, or only the first while there are others`() throws {
        let error = ConnectionError.timedOut(what: "it")
        var state = state(limit: 2)
        let waiters = (0..<4).map { _ in enter(&state, .exclusive) }
        let slots = waiters.flatMap(\.actions.connect)
        let first = state.connectFailed(slots[0], error, now: start)
        #expect(first.failed.map(\.waiter) == [waiters[0].waiter])
        // Three still need one each, and one is being made.
        #expect(first.connect.count == 1)
        _ = state.connectFailed(slots[1], error, now: start)
        #expect(state.waiterCount == 2)
        var last = state
        let next = last.connectFailed(first.connect[0], error, now: start)
        #expect(next.failed.count == 1)
        #expect(next.failed.allSatisfy { $0.error == error })
        var alone = self.state(limit: 1)
        let queue = (0..<4).map { _ in enter(&alone, .exclusive) }
        let all = alone.connectFailed(queue[0].actions.connect[0], error, now: start)
        #expect(all.failed.map(\.waiter) == queue.map(\.waiter))
        #expect(all.connect.isEmpty)
        #expect(alone.connectingCount == 0)
    }

    @Test func `a connection that is being closed keeps its slot until it has ended`() throws {
        var state = state(limit: 1)
        let slot = try #require(enter(&state, .exclusive).actions.connect.first)
        let lease = try #require(state.connected(slot, 0, now: start).granted.first).lease
        #expect(state.release(lease, discarding: true, now: start).close == [0])
        #expect(state.connectionCount == 0)
        let waiter = enter(&state, .exclusive)
        #expect(waiter.actions.connect.isEmpty && waiter.actions.granted.isEmpty)
        #expect(state.ended(slot, now: start).connect.count == 1)
    }

    @Test func `a connection that ends makes room for another, even while in use`() throws {
        var state = state(limit: 1)
        let slot = try #require(enter(&state, .exclusive).actions.connect.first)
        let lease = try #require(state.connected(slot, 0, now: start).granted.first).lease
        let waiter = enter(&state, .exclusive)
        let again = state.ended(slot, now: start)
        #expect(again.connect.count == 1)
        let late = state.release(lease, discarding: false, now: start)
        #expect(late.granted.isEmpty && late.close.isEmpty && late.alarms.isEmpty)
        #expect(state.connected(again.connect[0], 1, now: start).granted.map(\.waiter) == [waiter.waiter])
    }

    @Test func `idle connections are closed when their time is over, and those beyond the limit at once`() throws {
        var state = state(limit: 3, idleLimit: 2)
        let slots = (0..<3).flatMap { _ in enter(&state, .exclusive).actions.connect }
        let leases = slots.enumerated().flatMap { state.connected($1, $0, now: start).granted.map(\.lease) }
        var alarms: [(slot: UInt64, at: State.Instant)] = []
        for lease in leases.prefix(2) {
            alarms += state.release(lease, discarding: false, now: start + .seconds(10)).alarms
        }
        #expect(alarms.map(\.at) == [start + .seconds(70), start + .seconds(70)])
        #expect(state.release(leases[2], discarding: false, now: start).close == [2])
        // The first is used again, and its one alarm is moved, not doubled.
        let taken = state.take(.exclusive)
        let lease = try #require(taken)
        #expect(lease.connection == 0)
        #expect(state.release(lease, discarding: false, now: start + .seconds(50)).alarms.isEmpty)
        #expect(state.alarm(alarms[0].slot, now: start + .seconds(70)).alarms.map(\.at) == [start + .seconds(110)])
        #expect(state.alarm(alarms[1].slot, now: start + .seconds(70)).close == [1])
        #expect(state.alarm(alarms[0].slot, now: start + .seconds(110)).close == [0])
        #expect(state.connectionCount == 0)
    }

    @Test func `after the end no caller is served, and a late connection is closed`() throws {
        var state = state(limit: 2)
        let first = enter(&state, .exclusive)
        let second = enter(&state, .exclusive)
        _ = state.connected(first.actions.connect[0], 0, now: start)
        let actions = state.close()
        #expect(actions.close == [0])
        #expect(actions.failed.map(\.waiter) == [second.waiter])
        #expect(state.connected(second.actions.connect[0], 1, now: start).close == [1])
        #expect(enter(&state, .shared).actions.failed.map(\.error) == [.closed])
        #expect(state.take(.shared) == nil)
    }

    @Test(arguments: 0..<40)
    func `in any order of events, limits hold and every caller is served exactly once`(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let limit = Int.random(in: 1...4, using: &generator)
        let requestsPerConnection = Int.random(in: 1...3, using: &generator)
        var state = state(
            limit: limit,
            requestsPerConnection: requestsPerConnection,
            idleLimit: Int.random(in: 0...3, using: &generator)
        )
        var uses: [UInt64: State.Use] = [:]
        var waiting: Set<UInt64> = []
        var leases: [(lease: State.Lease, use: State.Use)] = []
        var attempts: [UInt64] = []
        var open: [UInt64] = []
        var closing: [UInt64] = []
        var now = start
        func apply(_ actions: State.Actions) {
            for (waiter, lease) in actions.granted {
                #expect(waiting.remove(waiter) != nil, "served twice")
                leases.append((lease, uses[waiter] ?? .shared))
            }
            for (waiter, _) in actions.failed { #expect(waiting.remove(waiter) != nil, "failed twice") }
            attempts += actions.connect
            for connection in actions.close {
                let slot = UInt64(connection)
                #expect(open.contains(slot), "closed twice")
                open.removeAll { $0 == slot }
                closing.append(slot)
            }
            #expect(attempts.count + open.count + closing.count <= limit)
            #expect(state.connectionCount == open.count)
            for (slot, users) in Dictionary(grouping: leases, by: \.lease.slot) where open.contains(slot) {
                #expect(users.count <= requestsPerConnection)
                if users.contains(where: { $0.use == .exclusive }) { #expect(users.count == 1) }
            }
        }
        func connect(_ isGood: Bool) {
            guard let index = attempts.indices.randomElement(using: &generator) else { return }
            let slot = attempts.remove(at: index)
            if isGood { open.append(slot) }
            apply(
                isGood
                    ? state.connected(slot, Int(slot), now: now)
                    : state.connectFailed(slot, .timedOut(what: "it"), now: now)
            )
        }
        for _ in 0..<400 {
            now += .seconds(1)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                let use: State.Use = Bool.random(using: &generator) ? .exclusive : .shared
                let waiter = state.newWaiter()
                uses[waiter] = use
                waiting.insert(waiter)
                apply(state.acquire(use, as: waiter, now: now))
            case 4..<6: connect(Int.random(in: 0..<5, using: &generator) > 0)
            case 6..<8:
                guard let index = leases.indices.randomElement(using: &generator) else { continue }
                let lease = leases.remove(at: index).lease
                apply(state.release(lease, discarding: Int.random(in: 0..<6, using: &generator) == 0, now: now))
            case 8:
                guard let waiter = waiting.sorted().randomElement(using: &generator) else { continue }
                apply(state.giveUp(waiter, .cancelled, now: now))
            default:
                guard let slot = (open + closing).randomElement(using: &generator) else { continue }
                open.removeAll { $0 == slot }
                closing.removeAll { $0 == slot }
                apply(state.ended(slot, now: now))
            }
        }
        // From here on everything succeeds, and every waiter is served.
        for _ in 0..<2_000 where !waiting.isEmpty || !leases.isEmpty || !attempts.isEmpty || !closing.isEmpty {
            connect(true)
            if !closing.isEmpty { apply(state.ended(closing.removeFirst(), now: now)) }
            if !leases.isEmpty { apply(state.release(leases.removeFirst().lease, discarding: false, now: now)) }
        }
        #expect(waiting.isEmpty)
        #expect(state.waiterCount == 0)
        #expect(state.idleCount == state.connectionCount)
    }
}
