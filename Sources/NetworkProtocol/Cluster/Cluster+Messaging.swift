public import Identity

/// Messages to other members, over TCP. The connection to a member is made when it is first needed, proves the member's
/// identity, and is kept; it ends when the member fails or leaves.
///
/// Members accept messages if they were created with a ``Dispatcher``. Its handlers know the sender by
/// ``Peer/endpointID``, which was proved, and answer it; to send more, they send to that ID.
extension Cluster {
    /// Sends a message to a live member. When it returns, the message is in transit, not necessarily delivered. The
    /// result of the member's handler is dropped: for an answer, send a request.
    ///
    /// - Parameter id: of any member but this one.
    public func send(_ message: OutgoingMessage, to id: EndpointID) async throws(ClusterMessagingError) {
        let timeout = configuration.messaging.sendTimeout
        try await use(id, within: timeout) { connection, left throws(ConnectionError) in
            try await connection.outbox.send(message.message, timeout: left)
        }
    }

    /// Sends a message to a live member. When it returns the message is on its way, not necessarily there.
    public func send(_ message: OutgoingMessage, to member: ClusterMember) async throws(ClusterMessagingError) {
        try await send(message, to: member.endpointID)
    }

    /// Sends a request to a live member and waits for its reply.
    ///
    /// - Parameters:
    ///   - id: of any member but this one.
    ///   - timeout: overrides ``ClusterMessagingOptions/responseTimeout``; includes connecting.
    /// - Throws: ``ClusterMessagingError/Code/connection`` with the cause ``ConnectionError/Code/refused`` if the
    ///   member's handler refuses or there is none, and with the cause ``ConnectionError/Code/unanswered`` if it was
    ///   sent and no reply came.
    public func request(
        _ command: String,
        _ payload: [UInt8] = [],
        to id: EndpointID,
        timeout: Duration? = nil
    ) async throws(ClusterMessagingError) -> [UInt8] {
        let timeout = timeout ?? configuration.messaging.responseTimeout
        return try await use(id, within: timeout) { connection, left throws(ConnectionError) in
            try await connection.request(command, payload, timeout: left ?? timeout)
        }
    }

    /// Sends a request to a live member and waits for its reply.
    public func request(
        _ command: String,
        _ payload: [UInt8] = [],
        to member: ClusterMember,
        timeout: Duration? = nil
    ) async throws(ClusterMessagingError) -> [UInt8] {
        try await request(command, payload, to: member.endpointID, timeout: timeout)
    }

    /// Sends a message to every live member that accepts messages, a limited number at a time.
    ///
    /// - Returns: the members to which it could not be sent, and why.
    @discardableResult
    public func broadcast(_ message: OutgoingMessage) async -> [EndpointID: ClusterMessagingError] {
        var waiting = members.filter { $0.messagingPort != 0 }.map(\.endpointID)[...]
        let width = min(Self.broadcastWidth, configuration.messaging.maximumConnections)
        return await withTaskGroup(of: (EndpointID, ClusterMessagingError?).self) { group in
            func sendNext() {
                guard let id = waiting.popFirst() else { return }
                group.addTask {
                    do throws(ClusterMessagingError) {
                        try await self.send(message, to: id)
                        return (id, nil)
                    } catch {
                        return (id, error)
                    }
                }
            }
            for _ in 0..<width { sendNext() }
            var failures: [EndpointID: ClusterMessagingError] = [:]
            for await (id, error) in group {
                if let error { failures[id] = error }
                sendNext()
            }
            return failures
        }
    }

    /// Connections that this member has opened to others.
    var connectionCount: Int { messaging.connectionCount }
    /// Connections from others that it has accepted.
    var acceptedCount: Int { messaging.acceptedCount }

    /// Concurrent sends of a broadcast: few, because each may need a new connection.
    private static let broadcastWidth = 32
}
