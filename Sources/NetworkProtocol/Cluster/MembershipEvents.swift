internal import Identity
internal import Synchronization

/// The changes in a cluster, for one consumer: first a ``MembershipEvent/Change/joined`` for each current member, then
/// each change. It ends with ``Cluster/run()``, or when the consumer's task is canceled.
///
/// A consumer may be arbitrarily slow. Nothing waits for it, and no queue grows: only its last known state and the
/// current state are kept for each member. It misses what came and went in between: a refuted suspicion, a member that
/// joined and failed. A member that failed and came back is reported as failed and joined.
public struct MembershipEvents: AsyncSequence, Sendable {
    public typealias Element = MembershipEvent
    public typealias Failure = Never

    let hub: MembershipHub

    /// Starts from the beginning, with all current members.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: Lifetime(hub: hub)) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let subscription: Lifetime

        public mutating func next() async -> MembershipEvent? { await subscription.subscriber.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> MembershipEvent? {
            await subscription.subscriber.next()
        }
    }

    /// Ends the subscription when its iterator is gone.
    fileprivate final class Lifetime: Sendable {
        let hub: MembershipHub
        let subscriber: MembershipSubscriber

        init(hub: MembershipHub) {
            self.hub = hub
            subscriber = hub.subscribe()
        }

        deinit { hub.unsubscribe(subscriber) }
    }
}

/// The members as the core last reported them, for snapshots and consumers.
final class MembershipHub: Sendable {
    private struct State {
        var members: [MemberID: ClusterMember] = [:]
        var subscribers: [ObjectIdentifier: MembershipSubscriber] = [:]
        var isFinished = false
    }

    private let state = Mutex(State())

    /// Other members that are alive or suspect.
    var members: [ClusterMember] { state.withLock { Array($0.members.values) } }

    /// A live member other than this one; nil if there is none with that ID.
    func member(_ id: EndpointID) -> ClusterMember? {
        guard let id = MemberID(id) else { return nil }
        return state.withLock { $0.members[id] }
    }

    func report(_ event: MembershipEvent) {
        state.withLock { state in
            state.members[event.member.id] = event.member.status.isLive ? event.member : nil
            for subscriber in state.subscribers.values { subscriber.report(event.member) }
        }
    }

    func finish() {
        state.withLock { state in
            state.isFinished = true
            for subscriber in state.subscribers.values { subscriber.finish() }
        }
    }

    func subscribe() -> MembershipSubscriber {
        state.withLock { state in
            let subscriber = MembershipSubscriber()
            for member in state.members.values { subscriber.report(member) }
            if state.isFinished {
                subscriber.finish()
            } else {
                state.subscribers[ObjectIdentifier(subscriber)] = subscriber
            }
            return subscriber
        }
    }

    func unsubscribe(_ subscriber: MembershipSubscriber) {
        state.withLock { $0.subscribers[ObjectIdentifier(subscriber)] = nil }
    }
}
