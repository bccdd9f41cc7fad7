public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Connects to a daemon, sends messages and requests, and receives; over TCP, TLS or a Unix socket.
///
///     let destination = Destination.tcp(host: "192.0.2.1", port: 9000, trust: .pinned([daemon], identity: key))
///     let client = try await Client.connect(to: destination)
///     let reply = try await client.request("greet", Array("Ada".utf8))
///     await client.close()
///
/// With ``ClientOptions/reconnect``, a connection that ends is replaced. Requests in flight fail, because it is not
/// known whether the daemon executed them; later requests wait for the new connection.
///
/// A client that nothing refers to anymore closes its connection, unless something else refers to the connection.
public final class Client: Sendable {
    private enum State {
        case connected(Connection)
        case connecting(PendingConnection)
        case ended(ConnectionError)
    }

    /// Where it connects and reconnects.
    public let destination: Destination
    private let options: ClientOptions
    private let logger: Logger
    private let metrics: ConnectionMetrics
    private let state: Mutex<State>
    /// For timers.
    private let eventLoop: any EventLoop
    /// The connection whose messages ``receive()`` returns: after a reconnect, the previous one until it is empty.
    private let receiving = Mutex<Connection?>(nil)

    /// Connects once; a failure is not retried.
    public static func connect(
        to destination: Destination,
        options: ClientOptions = ClientOptions(),
        logger: Logger = Logger(label: "network-protocol.client")
    ) async throws(ConnectionError) -> Client {
        let client = Client(destination, options, logger)
        let connection = try await client.connector().connect()
        client.state.withLock { $0 = .connected(connection) }
        client.receiving.withLock { $0 = connection }
        client.watch(connection)
        return client
    }

    private init(_ destination: Destination, _ options: ClientOptions, _ logger: Logger) {
        self.destination = destination
        self.options = options
        self.logger = logger
        metrics = ConnectionMetrics(role: "client", factory: options.connection.metricsFactory)
        state = Mutex(.ended(.closed))
        eventLoop = options.connection.eventLoops.next()
    }

    /// The current connection, or the one that is being made. If there will be none, throws what ended the last one.
    public func connection() async throws(ConnectionError) -> Connection { try await connection(until: nil) }

    private enum CurrentConnection {
        case connected(Connection)
        case connecting(PendingConnection)
    }

    private func current() throws(ConnectionError) -> CurrentConnection {
        while true {
            switch state.withLock({ $0 }) {
            case .connected(let connection):
                guard connection.inFlight.endReason != nil else { return .connected(connection) }
                // It has begun to end, which may take time; its channel reports the end.
                lost(connection)
            case .ended(let error): throw error
            case .connecting(let pending): return .connecting(pending)
            }
        }
    }

    private func connection(until deadline: NIODeadline?) async throws(ConnectionError) -> Connection {
        switch try current() {
        case .connected(let connection): return connection
        case .connecting(let pending): return try await pending.value(until: deadline, on: eventLoop)
        }
    }

    /// Waits for a connection and uses it, all within `timeout`.
    private func withConnection<Value: Sendable>(
        within timeout: Duration,
        _ body: (Connection, Duration) async throws(ConnectionError) -> Value
    ) async throws(ConnectionError) -> Value {
        if case .connected(let connection) = try current() { return try await body(connection, timeout) }
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let connection = try await connection(until: deadline)
        return try await body(connection, .nanoseconds((deadline - .now()).nanoseconds))
    }

    /// Sends a message, and waits for room first.
    public func send(_ message: OutgoingMessage) async throws(ConnectionError) {
        guard let timeout = options.sendTimeout else { return try await connection().send(message) }
        try await withConnection(within: timeout) { connection, left throws(ConnectionError) in
            try await connection.outbox.send(message.message, timeout: left)
        }
    }

    /// The next message that is not a reply; nil when the daemon has announced that it sends nothing more. With
    /// ``ClientOptions/reconnect`` it continues with the next connection instead, until reconnecting fails.
    public func receive() async throws(ConnectionError) -> Message? {
        while let connection = receiving.withLock({ $0 }) {
            do {
                if let message = try await connection.receive() { return message }
                if options.reconnect == nil { return nil }
            } catch {
                if options.reconnect == nil || error == .cancelled { throw error }
            }
            let next = try await self.connection()
            receiving.withLock { if $0 === connection { $0 = next } }
        }
        return nil
    }

    /// Sends a request and waits for its reply. `timeout` overrides ``ClientOptions/responseTimeout``. It starts with
    /// this call, and includes waiting for a new connection.
    public func request(
        _ command: String,
        _ payload: [UInt8] = [],
        timeout: Duration? = nil
    ) async throws(ConnectionError) -> [UInt8] {
        try await withConnection(within: timeout ?? options.responseTimeout) {
            connection,
            left throws(ConnectionError) in
            try await connection.request(command, payload, timeout: left)
        }
    }

    /// How long the daemon takes to answer a ping.
    public func ping() async throws(ConnectionError) -> Duration { try await connection().ping() }

    /// Sends Disconnect and closes; the client does not reconnect.
    public func close() async {
        let previous = state.withLock { state in
            defer { state = .ended(.closed) }
            return state
        }
        switch previous {
        case .connected(let connection): await connection.close()
        case .connecting(let pending):
            pending.cancel()
            await pending.ended()
        case .ended: break
        }
    }

    deinit {
        if case .connecting(let pending) = state.withLock({ $0 }) { pending.cancel() }
    }

    // MARK: Reconnecting

    private func connector() -> Connector {
        Connector(
            destination: destination,
            options: options.connection,
            connectTimeout: options.connectTimeout,
            logger: logger,
            metrics: metrics
        )
    }

    private func watch(_ connection: Connection) {
        connection.channel.closeFuture.whenComplete { [weak self, weak connection] _ in
            guard let connection else { return }
            self?.lost(connection)
        }
    }

    private func lost(_ connection: Connection) {
        state.withLock { state in
            guard case .connected(let current) = state, current === connection else { return }
            guard let reconnect = options.reconnect else {
                state = .ended(connection.inFlight.endReason ?? .closedByPeer)
                return
            }
            let connector = connector()
            // The client may be released in the meantime, which cancels the task.
            state = .connecting(
                PendingConnection("connecting again") { [weak self] () throws(ConnectionError) in
                    do throws(ConnectionError) {
                        let connection = try await connector.connect(again: reconnect)
                        guard let self, adopt(connection) else {
                            await connection.close()
                            throw .closed
                        }
                        return connection
                    } catch {
                        self?.gaveUp(error)
                        throw error
                    }
                }
            )
        }
    }

    /// False if the client was closed in the meantime.
    private func adopt(_ connection: Connection) -> Bool {
        let isWanted = state.withLock { state in
            guard case .connecting = state else { return false }
            state = .connected(connection)
            return true
        }
        if isWanted { watch(connection) }
        return isWanted
    }

    private func gaveUp(_ error: ConnectionError) {
        state.withLock { state in
            if case .connecting = state { state = .ended(error) }
        }
    }
}

extension Connector {
    /// Connects after a pause, as often as `reconnect` allows; throws the last attempt's error if none succeeds.
    fileprivate func connect(again reconnect: ClientOptions.Reconnect) async throws(ConnectionError) -> Connection {
        var generator = SystemRandomNumberGenerator()
        var last = ConnectionError.closedByPeer
        for attempt in 0..<max(1, reconnect.attempts) {
            do { try await Task.sleep(for: reconnect.pause(before: attempt, using: &generator)) } catch {
                throw .cancelled
            }
            do throws(ConnectionError) {
                return try await connect()
            } catch {
                if Task.isCancelled { throw error }
                last = error
                logger.debug(
                    "connecting again failed",
                    metadata: ["peer.address": "\(destination)", "attempt": "\(attempt + 1)", "error": "\(error)"]
                )
            }
        }
        throw last
    }
}
