public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Several connections to one destination, made as they are needed and never more than a limit.
///
///     let pool = ConnectionPool(to: destination)
///     let reply = try await pool.request("greet", Array("Ada".utf8))
///     try await pool.withConnection { connection in
///         for chunk in chunks { try await connection.send(.data(chunk)) }
///     }
///     await pool.close()
///
/// Most programs need none: requests share the one connection of a ``Client``, whose replies come in any order. A pool is for what one
/// connection cannot do:
/// - streams of ``Message/data(_:)`` side by side, each on a connection that is nobody else's for as long (``withConnection(_:)``);
/// - short requests beside long payloads, which on one connection would wait behind them (``request(_:_:timeout:)``);
/// - more cryptography than one core does.
///
/// A connection that ends is dropped, and another is made when somebody needs it; nothing is sent a second time. Whoever needs a
/// connection when there is none waits, in the order of coming, ``ConnectionPoolOptions/acquireTimeout`` at most. When a connection
/// cannot be made the one who came first learns why, and when there is no other connection all who wait do.
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
    /// For alarms.
    private let eventLoop: any EventLoop

    /// Connects nowhere yet.
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
            sharers: max(1, options.maximumRequestsPerConnection),
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

    /// Connections that are open, used or not.
    public var connectionCount: Int { state.withLock { $0.core.connectionCount } }

    /// Connections that are open and that nobody uses.
    public var idleConnectionCount: Int { state.withLock { $0.core.idleCount } }

    /// Tasks that wait for a connection.
    public var waiterCount: Int { state.withLock { $0.core.waiterCount } }

    /// Sends a request on the least busy connection and waits for its reply; `timeout` overrides ``ClientOptions/responseTimeout`` and
    /// begins when there is a connection. It is never sent twice.
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

    /// Has a connection that nobody else uses until `body` returns; it must not be used after that.
    ///
    /// `body` should have received everything it asked for. The connection is closed, and not given to the next one, when messages are left
    /// that nobody has received, and when `body` throws, as nobody knows then what is still to come.
    ///
    /// Throws what `body` throws, or a ``ConnectionError`` when there is no connection.
    public func withConnection<Value: Sendable>(
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let lease = try await acquire(.alone)
        do {
            let value = try await body(lease.connection)
            release(lease, discarding: !lease.connection.inbox.isEmpty)
            return value
        } catch {
            release(lease, discarding: true)
            throw error
        }
    }

    /// Ends the pool: whoever waits, and requests under way, fail with ``ConnectionError/closed``. Returns when all connections are closed;
    /// those that are being made are given up.
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

    // MARK: Places

    private func acquire(_ use: Core.Use) async throws(ConnectionError) -> Core.Lease {
        while true {
            if Task.isCancelled { throw .cancelled }
            let lease: Core.Lease
            if let free = state.withLock({ $0.core.take(use) }) { lease = free } else { lease = try await wait(use) }
            // One that has begun to end, and that the pool is about to be told of.
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

    // MARK: Doing what the state says

    /// - Parameter grant: a waiter that `change` enters.
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
            // Under the lock, so that an attempt that ends at once is entered before it is taken out.
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
            // Nobody has it but the pool, which was closed meanwhile.
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
