internal import Identity
internal import Logging
internal import NIOCore
internal import Synchronization

/// Messages between members over TCP: a daemon for theirs, connections for ours.
///
/// Both sides of a connection have the cluster's key and prove their identity keys. A daemon admits every member that
/// is live at that moment; the dialing side requires the member that it dialed. Connections of failed members are cut.
final class ClusterMessaging: Sendable {
    private let configuration: ClusterConfiguration
    private let hub: MembershipHub
    private let logger: Logger
    private let daemon: Daemon?
    private let connections: MemberConnections
    private let running = Mutex<Task<Void, any Error>?>(nil)

    init(
        _ configuration: ClusterConfiguration,
        _ keys: ClusterKeys,
        dispatcher: Dispatcher?,
        hub: MembershipHub,
        logger: Logger
    ) {
        self.configuration = configuration
        self.hub = hub
        self.logger = logger
        daemon = dispatcher.map { Self.daemon(configuration, keys, $0, hub, logger) }
        let dialer = MemberDialer(configuration: configuration, keys: keys, logger: logger) { hub.member($0) != nil }
        connections = MemberConnections(limit: configuration.messaging.maximumConnections) {
            target throws(ConnectionError) in
            try await dialer.dial(target)
        }
    }

    // MARK: Sending

    /// Runs `body` with the connection to a member.
    func use<Value: Sendable>(
        _ id: EndpointID,
        until deadline: NIODeadline?,
        _ body: (Connection) async throws(ConnectionError) -> Value
    ) async throws(ClusterMessagingError) -> Value {
        guard let member = hub.member(id) else { throw .notAMember(id) }
        guard let target = MemberConnections.Target(member) else { throw .takesNoMessages(id) }
        do throws(ClusterMessagingError) {
            return try await connections.use(target, until: deadline, body)
        } catch {
            // That the member is dead explains more than that its connection ended; but not if something was sent
            // before.
            guard let cause = error.cause, hub.member(id) == nil else { throw error }
            switch cause.code {
            case .closed, .closedByPeer, .truncated: throw .notAMember(id)
            default: throw error
            }
        }
    }

    var connectionCount: Int { connections.count }
    var acceptedCount: Int { daemon?.openConnections.count ?? 0 }

    // MARK: Life

    /// Accepts messages from now on.
    ///
    /// - Returns: the TCP port, 0 without a dispatcher.
    func start() async throws -> UInt16 {
        guard let daemon else { return 0 }
        // This object decides when it ends: first the others learn that the member leaves.
        let task = Task.detached { try await daemon.run() }
        running.withLock { $0 = task }
        guard let address = await daemon.addresses().first else {
            task.cancel()
            let result = await task.result
            try Task.checkCancellation()
            guard case .failure(let error) = result, let error = error as? DaemonError,
                let address = error.address, let reason = error.detail
            else {
                throw CancellationError()
            }
            throw ClusterError.cannotListen(address: "TCP \(address)", reason: reason)
        }
        return MemberAddress(address)?.port ?? 0
    }

    /// Cuts off members that are gone, until the cluster's events end.
    func follow(_ events: MembershipEvents) async {
        for await event in events {
            switch event.change {
            case .failed:
                connections.drop(event.member.endpointID)
                for connection in accepted(of: event.member) { connection.channel.close(mode: .all, promise: nil) }
            // A leaving member answers its requests and then closes its connections itself.
            case .left, .joined, .suspected, .recovered, .updated: break
            }
        }
    }

    /// - Parameter isGraceful: answers accepted requests first.
    func stop(isGraceful: Bool) async {
        await connections.close()
        guard let task = running.withLock({ $0 }) else { return }
        if isGraceful { daemon?.shutDown() } else { task.cancel() }
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        if case .failure(let error) = result, isGraceful {
            logger.info("messages were cut off", metadata: ["error": "\(error)"])
        }
    }

    private func accepted(of member: ClusterMember) -> [Connection] {
        daemon?.openConnections.filter { $0.peer.endpointID == member.endpointID } ?? []
    }

    private static func daemon(
        _ configuration: ClusterConfiguration,
        _ keys: ClusterKeys,
        _ dispatcher: Dispatcher,
        _ hub: MembershipHub,
        _ logger: Logger
    ) -> Daemon {
        let trust = Trust.pinned(identity: configuration.identity, currentPreSharedKey: { keys.messaging.first }) {
            hub.member($0) != nil
        }
        var options = DaemonOptions()
        options.connection = configuration.messaging.connection
        options.maximumConnections = configuration.messaging.maximumConnections
        options.shutdownTimeout = configuration.messaging.shutdownTimeout
        // A member that is gone by the time its connection is open was not yet among those that were cut off.
        var dispatcher = dispatcher
        let opened = dispatcher.opened
        dispatcher.onOpen { connection in
            guard let id = connection.peer.endpointID, hub.member(id) != nil else { return connection.beginClosing() }
            await opened?(connection)
        }
        let port = configuration.messaging.port ?? configuration.listening.port
        let listener = Listener.tcp(host: configuration.listening.host, port: Int(port), trust: trust)
        return Daemon(listening: [listener], dispatcher: dispatcher, options: options, logger: logger)
    }
}
