internal import Files
internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
internal import ServerPorts
public import ServiceLifecycle
internal import Synchronization

/// A daemon: it listens, and passes each message to its ``Dispatcher``; over TCP, TLS and Unix sockets at once.
///
///     let daemon = Daemon(listening: [.tcp(host: "0.0.0.0", port: 9000, trust: trust)], dispatcher: dispatcher)
///     try await daemon.runUntilSignal()
///
/// It is a `Service`: a graceful shutdown stops listening, answers accepted requests, sends Disconnect and closes,
/// within ``DaemonOptions/shutdownTimeout``.
public final class Daemon: Service, Sendable {
    private enum Phase {
        case idle
        case starting
        case listening([any Channel])
        case ended
    }

    /// Connections that the kernel queues until they are accepted.
    private static let backlog: Int32 = 1024
    /// Lines at `debug` about connections, of each kind, that are written at once; then one a second: some 20 MB a day
    /// under a flood.
    static let connectionLines = 512
    private static let connectionLineInterval: Int64 = 1_000_000_000

    private let listeners: [Listener]
    private let handlers: DaemonHandlers
    private let options: DaemonOptions
    private let logger: Logger
    /// By message.
    private let connectionLog: PeerLog<String>
    private let metrics: ConnectionMetrics
    private let connections: DaemonConnections
    private let replays = Mutex(ReplayCache())
    private let phase = Mutex(Phase.idle)
    /// The files of its Unix sockets, by path.
    private let socketFiles = Mutex<[String: FileStatus]>([:])
    private let started = Announcement<[String]>()
    /// Ends when the daemon must shut down.
    private let stop: AsyncStream<Never>
    private let tellStop: AsyncStream<Never>.Continuation

    /// - Parameters:
    ///   - listeners: where to listen; ``run()`` throws unless all of them can be opened.
    ///   - logger: gets one line at `info` for each start, each stop and each handler that fails, and one at `debug`
    ///     for each connection. Peers can cause the last two, so beyond a number these are counted instead of written.
    public init(
        listening listeners: [Listener],
        dispatcher: Dispatcher,
        options: DaemonOptions = DaemonOptions(),
        logger: Logger = Logger(label: "network-protocol.daemon")
    ) {
        self.listeners = listeners
        handlers = DaemonHandlers(dispatcher, options.workBudget, logger)
        connectionLog = PeerLog(logger, LogLimit(burst: Self.connectionLines, interval: Self.connectionLineInterval))
        self.options = options
        self.logger = logger
        metrics = ConnectionMetrics(role: "daemon", factory: options.connection.metricsFactory)
        connections = DaemonConnections(limit: options.maximumConnections)
        (stop, tellStop) = AsyncStream.makeStream()
    }

    /// Where it listens, once it does: with the chosen port if 0 was requested. Empty if it could not start, or if the
    /// task is canceled.
    public func addresses() async -> [String] { await started.value() ?? [] }

    /// Current connections, including those in their handshake, and those that have ended while their handlers have
    /// not.
    public var connectionCount: Int { connections.count }

    /// The connections that are open now.
    public var openConnections: [Connection] { connections.open }

    /// Runs until SIGTERM, SIGINT or, unless it is ignored, SIGHUP, then shuts down gracefully; a second signal cuts
    /// off work in progress.
    public func runUntilSignal() async throws {
        try await SignalShutdown.run {
            try await self.run()
        } shutDown: {
            self.shutDown()
        }
    }

    /// Listens until a graceful shutdown, or until the task is canceled, which cuts connections off. The dispatcher's
    /// handlers are child tasks of it: it returns when all of them have, so a handler that ignores its cancellation
    /// delays it.
    public func run() async throws {
        guard begin() else { throw DaemonError.alreadyRan }
        defer { started.announce(nil) }
        let channels: [any Channel]
        do {
            channels = try await listen()
        } catch {
            phase.withLock { $0 = .ended }
            throw error
        }
        phase.withLock { $0 = .listening(channels) }
        let addresses = zip(channels, listeners).map { channel, listener -> String in
            if case .unix = listener.kind { return "\(listener)" }
            return PeerAddress.text(of: channel.localAddress)
        }
        started.announce(addresses)
        logger.info("listening", metadata: ["addresses": "\(addresses.joined(separator: ", "))"])
        async let handling: Void = handlers.run()
        await withGracefulShutdownHandler {
            for await _ in stop {}
        } onGracefulShutdown: {
            self.shutDown()
        }
        removeSocketFiles()
        for channel in channels { try? await channel.close() }
        let cut = await finish()
        handlers.end()
        await handling
        phase.withLock { $0 = .ended }
        logger.info("stopped", metadata: ["connections.cut": "\(cut)"])
        if cut > 0, !Task.isCancelled { throw DaemonError.shutdownTimedOut(connections: cut) }
    }

    /// Starts a graceful shutdown; ``run()`` returns when it is done. Before ``run()`` it makes that return as soon as
    /// it listens.
    public func shutDown() { tellStop.finish() }

    private func begin() -> Bool {
        phase.withLock { phase in
            guard case .idle = phase else { return false }
            phase = .starting
            return true
        }
    }

    // MARK: Stopping

    /// How many connections had to be cut.
    private func finish() async -> Int {
        let connections = connections
        if Task.isCancelled {
            let cut = connections.cutAll()
            await connections.finishAll()
            return cut
        }
        let timeout = min(options.shutdownTimeout, Heartbeat.longest)
        let cutter = Task { () -> Int in
            do { try await Task.sleep(for: timeout) } catch { return 0 }
            return connections.cutAll()
        }
        await withTaskCancellationHandler {
            await connections.finishAll()
        } onCancel: {
            connections.cutAll()
        }
        cutter.cancel()
        return await cutter.value
    }

    /// Only files that this daemon created, and before the sockets are closed: until then no other file has their
    /// inodes.
    private func removeSocketFiles() {
        let files = socketFiles.withLock { files in
            defer { files = [:] }
            return files
        }
        for (path, file) in files {
            guard let found = try? FileStatus.ofLink(at: path), found.isSameFile(as: file) else { continue }
            _ = unsafe unlink(path)
        }
    }

    // MARK: Listening

    private func listen() async throws -> [any Channel] {
        var channels: [any Channel] = []
        do {
            for listener in listeners { channels.append(try await listen(listener)) }
            return channels
        } catch {
            removeSocketFiles()
            for channel in channels { try? await channel.close() }
            throw error
        }
    }

    private func listen(_ listener: Listener) async throws -> any Channel {
        let makeTLS: TLSContext.MakeHandler?
        do {
            makeTLS = try listener.tls.map { try TLSContext.server($0) }
        } catch {
            throw DaemonError.tls(reason: TLSFailure.reason("\(error)"))
        }
        let connections = connections
        let logger = logger
        let bootstrap = ServerBootstrap(group: options.connection.eventLoops)
            .serverChannelOption(.backlog, value: Daemon.backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: logger) { connections.makeRoom() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.recvAllocator, value: ReadBuffers.sizes)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { throw ChannelError.alreadyClosed }
                    try self.prepare(channel, listener, makeTLS)
                }
            }
        do {
            switch listener.kind {
            case .tcp(let host, let port):
                guard (0...65_535).contains(port) else { throw DaemonError.noPort("\(listener)", port) }
                return
                    try await bootstrap
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
            case .unix(let path):
                let socket = try await UnixListeningSocket.listen(path, backlog: Daemon.backlog)
                let file = try? FileStatus.ofLink(at: path)
                socketFiles.withLock { $0[path] = file }
                return try await bootstrap.withBoundSocket(socket).get()
            }
        } catch {
            throw DaemonError.listening("\(listener)", error)
        }
    }

    private func prepare(_ channel: any Channel, _ listener: Listener, _ makeTLS: TLSContext.MakeHandler?) throws {
        guard let id = connections.enter(channel) else {
            connectionLog.write(
                .debug,
                "refused, too many connections",
                topic: "full",
                ["peer.address": "\(PeerAddress.text(of: channel))"]
            )
            throw ChannelError.alreadyClosed
        }
        let (connections, log) = (connections, connectionLog)
        let address = PeerAddress.text(of: channel)
        channel.closeFuture.whenComplete { _ in connections.closed(id) }
        let setup = ConnectionSetup(
            side: .responder(seen: { [weak self] opening in self?.replays.withLock { $0.hasSeen(opening) } ?? true }),
            protection: listener.protection,
            options: options.connection,
            service: ConnectionSetup.Service(
                handlers: handlers,
                hold: { connections.hold(id) },
                release: { connections.leave(id) }
            ),
            logger: logger,
            metrics: metrics,
            opened: { result in
                switch result {
                case .success(let connection):
                    connections.opened(id, connection)
                    log.write(.debug, "connection open", topic: "open", connection.logMetadata)
                case .failure(let error):
                    log.write(
                        .debug,
                        "connection refused",
                        topic: "refused",
                        ["peer.address": "\(address)", "error": "\(error)"]
                    )
                }
            },
            closed: { connection, error in
                // Its handler held the slot.
                guard let connection else { return }
                log.write(.debug, "connection closed", topic: "closed", connection.logMetadata(ending: error))
            }
        )
        if let makeTLS { try channel.pipeline.syncOperations.addHandler(makeTLS()) }
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(setup, eventLoop: channel.eventLoop))
    }
}
