internal import Identity
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The connections that a member has opened to others: one to each, made when it is first needed, kept until it ends,
/// its member is gone, or another one needs the slot.
final class MemberConnections: Sendable {
    /// Where a member accepts messages.
    struct Target: Sendable, Hashable {
        let id: EndpointID
        let host: String
        let port: UInt16

        /// Nil if it accepts none.
        init?(_ member: ClusterMember) {
            guard member.messagingPort != 0 else { return nil }
            id = member.endpointID
            host = member.address.host
            port = member.messagingPort
        }
    }

    private struct Entry {
        /// Distinguishes it from an earlier one of the same member.
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
    /// For timeouts.
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

    init(limit: Int, dial: @escaping @Sendable (Target) async throws(ConnectionError) -> Connection) {
        self.limit = limit
        self.dial = dial
    }

    /// Connections that are open or being made.
    var count: Int { state.withLock { $0.entries.count } }

    /// Runs `body` with the connection to a member, which is not closed for its slot meanwhile.
    ///
    /// - Parameter deadline: how long to wait for the connection.
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
                // One that ended is removed a moment later; what was not yet sent on it can be sent on another.
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

    /// The member is gone: fails all waiters at once.
    func drop(_ id: EndpointID) {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: id) }) else { return }
        Self.cut(entry)
    }

    /// No more connections; existing ones are closed after what was sent on them is written.
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

    // MARK: Slots

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
            // It has moved, or another connection made room.
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

    /// Made once for all waiters, and not ended when one of them stops waiting.
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
                // The member's handlers may send back data that no one awaits; unread, it would fill the connection. It
                // ends with that.
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
