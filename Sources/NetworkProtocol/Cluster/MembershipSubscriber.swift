internal import Synchronization

/// One consumer of membership events: what it has been given, and what it has yet to get. Both have at most one entry
/// per member.
final class MembershipSubscriber: Sendable {
    fileprivate struct News {
        var now: ClusterMember
        /// The reported member is gone, even if another one has its ID now.
        var ended: ClusterMember?
    }

    fileprivate struct State {
        /// Live members as the consumer knows them.
        var reported: [MemberID: ClusterMember] = [:]
        var news: [MemberID: News] = [:]
        /// Members with news, the oldest first from ``first``.
        var order: [MemberID] = []
        var first = 0
        var waiting: Waiter<MembershipEvent?, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    /// Entries for what is still to be reported.
    var entries: Int { state.withLock { max($0.order.count, $0.news.count) } }

    /// The current state of a member.
    func report(_ member: ClusterMember) {
        state.withLock { state in
            state.record(member)
            guard state.waiting != nil, let event = state.next() else { return }
            state.waiting?.resume(returning: event)
            state.waiting = nil
        }
    }

    /// What is known is still reported, and nothing more.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.waiting?.resume(returning: nil)
            state.waiting = nil
        }
    }

    func next() async -> MembershipEvent? {
        let waiter = Waiter<MembershipEvent?, Never>()
        let known = state.withLock { state -> MembershipEvent?? in
            if Task.isCancelled { return .some(nil) }
            if let event = state.next() { return event }
            // A second concurrent caller violates the protocol of iterators.
            if state.isFinished || state.waiting != nil { return .some(nil) }
            state.waiting = waiter
            return nil
        }
        if let known { return known }
        return await waiter.value {
            self.state.withLock { state in
                if state.waiting === waiter { state.waiting = nil }
            }
            waiter.resume(returning: nil)
        }
    }
}

extension MembershipSubscriber.State {
    fileprivate mutating func record(_ member: ClusterMember) {
        let id = member.id
        let isKnown = reported[id] != nil
        if !member.status.isLive, !isKnown {
            // It came and went unseen.
            news[id] = nil
        } else if var entry = news[id] {
            if !member.status.isLive, entry.ended == nil { entry.ended = member }
            entry.now = member
            news[id] = entry
        } else {
            news[id] = MembershipSubscriber.News(now: member, ended: member.status.isLive ? nil : member)
            order.append(id)
        }
        guard order.count > 2 * news.count + 64 else { return }
        var seen: Set<MemberID> = []
        order = order[first...].filter { news[$0] != nil && seen.insert($0).inserted }
        first = 0
    }

    /// The next event, or nil if the consumer knows everything.
    fileprivate mutating func next() -> MembershipEvent? {
        while first < order.count {
            let id = order[first]
            first += 1
            guard let entry = news.removeValue(forKey: id) else { continue }
            let known = reported[id]
            if known != nil, let ended = entry.ended {
                reported[id] = nil
                if entry.now.status.isLive { record(entry.now) }
                return MembershipEvent(ended.status == .left ? .left : .failed, ended)
            }
            guard entry.now.status.isLive else { continue }
            reported[id] = entry.now
            if let change = Self.change(from: known, to: entry.now) { return MembershipEvent(change, entry.now) }
        }
        return nil
    }

    private static func change(from known: ClusterMember?, to now: ClusterMember) -> MembershipEvent.Change? {
        guard let known else { return .joined }
        if known.address != now.address || known.messagingPort != now.messagingPort { return .updated }
        if known.status == now.status { return nil }
        return now.status == .suspect ? .suspected : .recovered
    }
}
