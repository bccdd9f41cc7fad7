public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Several connections to one destination, up to a limit, opened on demand.
///
///     let pool = ConnectionPool(to: destination)
///     let reply = try await pool.request("greet", Array("Ada".utf8))
///     try await pool.withConnection { connection in
///         for chunk in chunks { try await connection.send(.data(chunk)) }
///     }
///     await pool.close()
///
/// Most programs need no pool: requests share the one connection of a ``Client``, and replies arrive in any order. A
/// pool is for what one connection cannot do:
/// - parallel streams of ``Message/data(_:)``, each with exclusive use of a connection (``withConnection(_:)``);
/// - short requests beside long payloads, which would delay them on the same connection (``request(_:_:timeout:)``);
/// - more cryptography than one core can do.
///
/// A connection that ends is dropped, and replaced when a task needs one; nothing is sent twice. Tasks that need a
/// connection when there is none wait in the order of their calls, for ``ConnectionPoolOptions/acquireTimeout`` at
/// most. If connecting fails, the first waiting task gets the error; if there is no other connection, all of them do.
public final class ConnectionPool: Sendable {
    private typealias Core = ConnectionPoolState<Connection>
    private typealias Grant = ConnectionWaiter<Core.Lease>

    private struct State {
        var core: Core
        var waiters: [UInt64: Grant] = [:]
        /// Connections that are being made.
        var attempts: [UInt64: Task<Void, Never>] = [:]
    }

    /// Where all its connections go.
    public let destination: Destination
    private let options: ConnectionPoolOptions
    private let connector: Connector
    private let logger: Logger
    private let state: Mutex<State>
    /// For timers.
    private let eventLoop: any EventLoop

    /// Does not connect yet.
    public init(
        to destination: Destination,
        options: ConnectionPoolOptions = ConnectionPoolOptions(),
        logger: Logger = Logger(label: "network-protocol.pool")
    ) {
        self.destination = destination
        self.options = options
        self.logger = logger
        connector = Connector(
            destination: destination,
            options: options.client.connection,
            connectTimeout: options.client.connectTimeout,
            logger: logger,
            metrics: ConnectionMetrics(role: "client", factory: options.client.connection.metricsFactory)
        )
        let core = Core(
            limit: max(1, options.maximumConnections),
            requestsPerConnection: max(1, options.maximumRequestsPerConnection),
            idleLimit: max(0, options.maximumIdleConnections),
            idleTime: options.idleTimeout
        )
        state = Mutex(State(core: core))
        eventLoop = options.client.connection.eventLoops.next()
    }

    deinit {
        let left = state.withLock { $0.core.close().close }
        for connection in left { connection.beginClosing() }
    }

    /// Open connections, in use or not.
    public var connectionCount: Int { state.withLock { $0.core.connectionCount } }

    /// Open connections that are not in use.
    public var idleConnectionCount: Int { state.withLock { $0.core.idleCount } }

    /// Tasks that wait for a connection.
    public var waiterCount: Int { state.withLock { $0.core.waiterCount } }

    /// Sends a request on the least busy connection and waits for its reply. `timeout` overrides
    /// ``ClientOptions/responseTimeout`` and starts when there is a connection. The request is never sent twice.
    public func request(
        _ command: String,
        _ payload: [UInt8] = [],
        timeout: Duration? = nil
    ) async throws(ConnectionError) -> [UInt8] {
        let lease = try await acquire(.shared)
        defer { release(lease, discarding: false) }
        return try await lease.connection.request(
            command,
            payload,
            timeout: timeout ?? options.client.responseTimeout
        )
    }

    /// Gives `body` exclusive use of a connection until it returns; the connection must not be used after that.
    ///
    /// `body` should receive everything that it requested. If `body` leaves messages that were not received, or throws,
    /// the connection is closed and not reused, because more messages may still arrive.
    ///
    /// Throws what `body` throws, or a ``ConnectionError`` if there is no connection.
    public func withConnection<Value: Sendable>(
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let lease = try await acquire(.exclusive)
        do {
            let value = try await body(lease.connection)
            release(lease, discarding: !lease.connection.inbox.isEmpty)
            return value
        } catch {
            release(lease, discarding: true)
            throw error
        }
    }

    /// Closes the pool: waiting tasks and requests in flight fail with ``ConnectionError/closed``. Returns when all
    /// connections are closed; connections that are being made are abandoned.
    public func close() async {
        var connections: [Connection] = []
        update { core in
            var actions = core.close()
            swap(&connections, &actions.close)
            return actions
        }
        let attempts = state.withLock { Array($0.attempts.values) }
        for attempt in attempts { attempt.cancel() }
        for connection in connections { connection.beginClosing() }
        for connection in connections { await connection.close() }
        for attempt in attempts { await attempt.value }
    }

    // MARK: Slots

    private func acquire(_ use: Core.Use) async throws(ConnectionError) -> Core.Lease {
        while true {
            if Task.isCancelled { throw .cancelled }
            let lease: Core.Lease
            if let free = state.withLock({ $0.core.take(use) }) { lease = free } else { lease = try await wait(use) }
            // A connection that has begun to end, and whose end the pool does not know yet.
            guard lease.connection.inFlight.endReason != nil else { return lease }
            release(lease, discarding: true)
        }
    }

    private func wait(_ use: Core.Use) async throws(ConnectionError) -> Core.Lease {
        let id = state.withLock { $0.core.newWaiter() }
        let late = ConnectionError.timedOut(what: "waiting for a connection to \(destination)")
        let grant = Grant()
        enter(id, use, grant)
        return try await grant.value(
            until: .now() + TimeAmount(options.acquireTimeout),
            on: eventLoop,
            late: { self.update { $0.giveUp(id, late, now: .now) } },
            giveUp: { self.update { $0.giveUp(id, .cancelled, now: .now) } }
        )
    }

    private func enter(_ id: UInt64, _ use: Core.Use, _ grant: Grant) {
        update(grant: (id, grant)) { $0.acquire(use, as: id, now: .now) }
    }

    private func release(_ lease: Core.Lease, discarding: Bool) {
        update { $0.release(lease, discarding: discarding, now: .now) }
    }

    // MARK: Executing actions

    /// - Parameter grant: a waiter that `change` adds.
    private func update(grant: (id: UInt64, Grant)? = nil, _ change: (inout Core) -> Core.Actions) {
        let (actions, served) = state.withLock {
            state -> (Core.Actions, [(Grant, Result<Core.Lease, ConnectionError>)]) in
            if let (id, grant) = grant { state.waiters[id] = grant }
            let actions = change(&state.core)
            var served: [(Grant, Result<Core.Lease, ConnectionError>)] = []
            for (id, lease) in actions.granted {
                if let grant = state.waiters.removeValue(forKey: id) { served.append((grant, .success(lease))) }
            }
            for (id, error) in actions.failed {
                if let grant = state.waiters.removeValue(forKey: id) { served.append((grant, .failure(error))) }
            }
            // Under the lock, so that an attempt that ends at once is added before it is removed.
            for id in actions.connect { state.attempts[id] = Task { await self.connect(id) } }
            return (actions, served)
        }
        for (grant, result) in served { grant.resume(with: result) }
        for connection in actions.close { connection.beginClosing() }
        for (id, instant) in actions.alarms {
            eventLoop.scheduleTask(in: TimeAmount(instant - .now)) { [weak self] in
                self?.update { $0.alarm(id, now: .now) }
            }
        }
    }

    private func connect(_ id: UInt64) async {
        defer { state.withLock { $0.attempts[id] = nil } }
        do throws(ConnectionError) {
            let connection = try await connector.connect()
            // Only the pool refers to it, and the pool was closed in the meantime.
            if Task.isCancelled { return await connection.close() }
            update { $0.connected(id, connection, now: .now) }
            connection.channel.closeFuture.whenComplete { [weak self] _ in self?.update { $0.ended(id, now: .now) } }
        } catch {
            logger.debug(
                "a connection for the pool failed",
                metadata: ["peer.address": "\(destination)", "error": "\(error)"]
            )
            update { $0.connectFailed(id, error, now: .now) }
        }
    }
}
