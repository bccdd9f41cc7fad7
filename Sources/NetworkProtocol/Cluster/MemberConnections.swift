internal import Identity
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The connections that a member has opened to others: one to each, made when it is first needed, kept until it ends, its member is
/// gone, or another one needs the place.
final class MemberConnections: Sendable {
    /// Where a member takes messages.
    struct Target: Sendable, Hashable {
        let id: EndpointID
        let host: String
        let port: UInt16

        /// Nil when it takes none.
        init?(_ member: ClusterMember) {
            guard member.messagingPort != 0 else { return nil }
            id = member.endpointID
            host = member.address.host
            port = member.messagingPort
        }
    }

    private struct Entry {
        /// Tells it from an earlier one of the same member.
        let number: UInt64
        let target: Target
        let attempt: PendingConnection
        var connection: Connection?
        var users = 0
        var lastUse: UInt64
    }

    private struct State {
        var entries: [EndpointID: Entry] = [:]
        var count: UInt64 = 0
        var isClosed = false
    }

    private let limit: Int
    private let dial: @Sendable (Target) async throws(ConnectionError) -> Connection
    private let state = Mutex(State())
    /// For alarms.
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

    init(limit: Int, dial: @escaping @Sendable (Target) async throws(ConnectionError) -> Connection) {
        self.limit = limit
        self.dial = dial
    }

    /// Connections that are open or being made.
    var count: Int { state.withLock { $0.entries.count } }

    /// Runs `body` with the connection to a member, which nobody closes for its place meanwhile.
    ///
    /// - Parameter deadline: how long the connection may be waited for.
    func use<Value: Sendable>(
        _ target: Target,
        until deadline: NIODeadline?,
        _ body: (Connection) async throws(ConnectionError) -> Value
    ) async throws(ClusterMessagingError) -> Value {
        while true {
            let (number, attempt) = try enter(target)
            defer { leave(target.id, number) }
            do throws(ConnectionError) {
                let connection = try await attempt.value(until: deadline, on: eventLoop)
                // One that ended is forgotten a moment later; what was not yet said on it can be said on another.
                guard connection.outbox.endReason == nil else {
                    forget(target.id, number)
                    continue
                }
                return try await body(connection)
            } catch {
                throw .connection(target.id, error)
            }
        }
    }

    /// The member is gone: whoever waits for it is told at once.
    func drop(_ id: EndpointID) {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: id) }) else { return }
        Self.cut(entry)
    }

    /// No more; those that there are are closed, and what was sent on them is written first.
    func close() async {
        let entries = state.withLock { state in
            state.isClosed = true
            defer { state.entries = [:] }
            return Array(state.entries.values)
        }
        await withTaskGroup { group in
            for entry in entries { group.addTask { await Self.close(entry) } }
        }
    }

    // MARK: Places

    private func enter(_ target: Target) throws(ClusterMessagingError) -> (UInt64, PendingConnection) {
        let (result, gone) = state.withLock { state -> (Result<Entry, ClusterMessagingError>, Entry?) in
            guard !state.isClosed else { return (.failure(.notRunning), nil) }
            state.count += 1
            if var entry = state.entries[target.id], entry.target == target {
                entry.users += 1
                entry.lastUse = state.count
                state.entries[target.id] = entry
                return (.success(entry), nil)
            }
            // It has moved, or somebody else makes room.
            var gone = state.entries.removeValue(forKey: target.id)
            if gone == nil, state.entries.count >= limit {
                let idle = state.entries.values.filter { $0.users == 0 && $0.connection != nil }
                guard let oldest = idle.min(by: { $0.lastUse < $1.lastUse }) else {
                    return (.failure(.tooManyConnections(limit: limit)), nil)
                }
                gone = state.entries.removeValue(forKey: oldest.target.id)
            }
            let entry = Entry(
                number: state.count,
                target: target,
                attempt: attempt(target, state.count),
                users: 1,
                lastUse: state.count
            )
            state.entries[target.id] = entry
            return (.success(entry), gone)
        }
        if let gone { Task { await Self.close(gone) } }
        let entry = try result.get()
        return (entry.number, entry.attempt)
    }

    private func leave(_ id: EndpointID, _ number: UInt64) {
        state.withLock { state in
            guard state.entries[id]?.number == number else { return }
            state.entries[id]?.users -= 1
        }
    }

    private func forget(_ id: EndpointID, _ number: UInt64) {
        state.withLock { state in
            guard state.entries[id]?.number == number else { return }
            state.entries[id] = nil
        }
    }

    // MARK: Connecting

    /// Made once for all who wait for it, and not ended by one of them who waits no longer.
    private func attempt(_ target: Target, _ number: UInt64) -> PendingConnection {
        PendingConnection("connecting to the member") { () throws(ConnectionError) in
            do throws(ConnectionError) {
                let connection = try await self.dial(target)
                connection.channel.closeFuture.whenComplete { [weak self] _ in self?.forget(target.id, number) }
                let isWanted = self.state.withLock { state in
                    guard state.entries[target.id]?.number == number else { return false }
                    state.entries[target.id]?.connection = connection
                    return true
                }
                guard isWanted else {
                    connection.beginClosing()
                    throw .closed
                }
                // Nobody asks for what a member's handlers send back to a message; unread it would fill the connection. It ends with that.
                Task { while (try? await connection.receive()) != nil {} }
                return connection
            } catch {
                self.forget(target.id, number)
                throw error
            }
        }
    }

    private static func close(_ entry: Entry) async {
        entry.attempt.cancel()
        await entry.connection?.close()
    }

    private static func cut(_ entry: Entry) {
        entry.attempt.cancel()
        entry.connection?.channel.close(mode: .all, promise: nil)
    }
}
