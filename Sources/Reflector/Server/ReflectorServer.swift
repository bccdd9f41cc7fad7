package import Identity
internal import LinkMeasurement
package import Logging
internal import MonitoringHTTP
internal import NIOCore
internal import NIOPosix
internal import Operations
internal import Pairing
internal import ServiceLifecycle
internal import Synchronization

/// The running server.
///
/// It shuts down in the order that loses nothing: no new connections, tests ended and settled, connections closed, the
/// audit log closed, the folder unlocked.
package final class ReflectorServer: Service {
    /// What a start found out.
    package struct Started: Sendable {
        package let endpointID: EndpointID
        /// Whether this start created the identity.
        package let isNewIdentity: Bool
        package let listen: ListenAddress
        package let health: ListenAddress?
        /// The pairing window that `access.pairing_enabled` opened.
        package let pairing: PairingOffer?
    }

    /// Descriptors for everything that is not a control connection: listeners, database, monitors, the sockets of
    /// tests.
    private static let reservedDescriptors = 192
    private static let fewestConnections = 8

    private let configuration: ReflectorConfiguration
    private let logger: Logger
    private let reloading: Reloading?
    private let onStart: @Sendable (Started) -> Void

    /// - Parameter reloading: what SIGHUP does; nil leaves the signal alone.
    package init(
        configuration: ReflectorConfiguration,
        logger: Logger,
        reloading: Reloading? = nil,
        onStart: @escaping @Sendable (Started) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.reloading = reloading
        self.onStart = onStart
    }

    package func run() async throws {
        let folder = try StateFolder(claiming: configuration.stateFolder, for: .reflector)
        let (key, isNew) = try KeyFile.loadOrCreate(at: configuration.privateKeyPath)
        IperfServer.removeLeftovers(in: folder.path)

        let identity = try ServerIdentity(
            key: key,
            applicationProtocols: [configuration.alpn, HealthPages.alpn]
        )
        let audit = try openAudit(identity)
        let database = try ReflectorDatabase.open(inFolder: folder.path)
        let governor = try Governor(
            database: database,
            quotas: configuration.quotas,
            mode: configuration.mode,
            authorizedPeers: Set(configuration.authorizedPeers),
            clock: .system
        )
        for testID in try await governor.closeAbandoned() {
            logger.warning("a test was running when the last server ended", metadata: ["test.id": "\(testID)"])
        }
        let sessions = SessionRegistry(
            settings: SessionRegistry.Settings(
                mode: configuration.mode,
                dataPorts: configuration.dataPorts,
                iperfPath: configuration.iperfPath,
                stateFolder: folder.path,
                echoPacketsPerSecond: configuration.limits.udpEchoMaxPps
            ),
            governor: governor,
            audit: audit,
            logger: logger
        )
        let core = ReflectorCore(
            settings: ReflectorCore.Settings(
                alpn: configuration.alpn,
                requireALPN: configuration.requireALPN,
                mode: configuration.mode,
                quotas: configuration.quotas,
                networkPosition: configuration.networkPosition
            ),
            limits: affordableLimits(),
            identity: identity,
            governor: governor,
            sessions: sessions,
            audit: audit,
            logger: logger,
            hasIperf: await findIperf()
        )
        try await serve(core, folder: folder, isNewIdentity: isNew)
    }

    private func findIperf() async -> Bool {
        if await IperfProgram.find(configuration.iperfPath) != nil { return true }
        if configuration.quotas.allowThroughput {
            logger.warning(
                "iperf3 was not found, or does not run: throughput uses the native engine only; install it or set iperf3.path",
                metadata: ["path": "\(configuration.iperfPath)"]
            )
        }
        return false
    }

    /// The configured limits, with fewer connections if the process may not open so many descriptors.
    private func affordableLimits() -> ConnectionLimits {
        var limits = configuration.limits
        let descriptors = DescriptorLimit.raise()
        let affordable = max(2 * Self.fewestConnections, descriptors - Self.reservedDescriptors)
        // Known peers first, but never all of it: they start as unknown ones.
        let authorized = max(Self.fewestConnections, affordable - max(Self.fewestConnections, affordable / 4))
        if limits.maxConnections > authorized {
            logger.warning(
                "fewer connections than limits.max_connections are allowed: the limit of open files is too low",
                metadata: [
                    "connections": "\(authorized)", "wanted": "\(limits.maxConnections)",
                    "descriptors": "\(descriptors)",
                ]
            )
            limits.maxConnections = authorized
        }
        limits.maxUnauthorized = min(limits.maxUnauthorized, affordable - limits.maxConnections)
        return limits
    }

    private func serve(_ core: ReflectorCore, folder: StateFolder, isNewIdentity: Bool) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(2, System.coreCount))
        // Those of iperf3's gates: if they started when descriptors are short, they would end the process.
        _ = MultiThreadedEventLoopGroup.singleton.next()
        var channels: [any Channel] = []
        var controlSocket: ControlSocket?
        do {
            let link = try await bind("control port", configuration.listen, "network.listen_address or --bind") {
                try await ControlPort.bind(core, host: $0.host, port: $0.port, on: group)
            }
            channels.append(link)
            let listen = ListenAddress(host: configuration.listen.host, port: link.localAddress?.port ?? 0)
            var health: ListenAddress?
            if configuration.healthEnabled {
                let channel = try await bind("health port", configuration.healthListen, "health.listen_address") {
                    try await HTTPService.bind(
                        host: $0.host,
                        port: $0.port,
                        pages: HealthPages.of(core),
                        on: group,
                        logger: core.logger
                    ).channel
                }
                channels.append(channel)
                health = ListenAddress(host: configuration.healthListen.host, port: channel.localAddress?.port ?? 0)
            }
            let control = ControlOperator(
                core: core,
                configuration: configuration,
                listen: listen,
                health: health,
                folder: folder.path
            )
            // Before the control socket answers: its status includes the window.
            let pairing =
                configuration.pairingEnabled ? try await control.openPairing(ttlSec: PairingTTL.standard.seconds) : nil
            controlSocket = try await ControlSocket.open(inFolder: folder.path, logger: logger) { request in
                await control.answer(request)
            }
            onStart(
                Started(
                    endpointID: core.identity.current.endpointID,
                    isNewIdentity: isNewIdentity,
                    listen: listen,
                    health: health,
                    pairing: pairing
                )
            )
            ProcessMemory.trimSoon()
            await withTaskGroup { group in
                if let reloading {
                    group.addTask { [configuration, logger] in
                        await reloading.run(from: configuration, on: core, logger: logger)
                    }
                }
                try? await gracefulShutdown()
                group.cancelAll()
            }
        } catch {
            for channel in channels { try? await channel.close() }
            await controlSocket?.close()
            try? await group.shutdownGracefully()
            throw error
        }
        logger.info("shutting down")
        let limit = configuration.shutdownTimeoutSec
        let isDone = await Self.finishes(within: .seconds(limit)) { [channels, controlSocket, logger] in
            await core.sessions.willShutDown()
            for channel in channels { try? await channel.close() }
            await controlSocket?.close()
            await core.sessions.shutdown()
            await core.governor.settled()
            core.ledger.dropAll()
            await core.audit.close()
            try? await group.shutdownGracefully()
            folder.release()
            logger.info("stopped")
        }
        guard isDone else { throw ShutdownTimeout(seconds: limit) }
    }

    /// Whether `work` finished in time. Otherwise it is not canceled: the process ends, and its children with it.
    private static func finishes(within limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
        let (outcomes, continuation) = AsyncStream.makeStream(of: Bool.self)
        Task {
            await work()
            continuation.yield(true)
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            continuation.yield(false)
        }
        defer { timer.cancel() }
        // Unstructured, so that a cancellation that ends this server does not cut the wait short.
        return await Task { await outcomes.first { _ in true } ?? true }.value
    }

    private func bind(
        _ what: String,
        _ address: ListenAddress,
        _ key: String,
        _ open: (ListenAddress) async throws -> any Channel
    ) async throws -> any Channel {
        do {
            return try await open(address)
        } catch {
            throw ListenError(error, what: what, address: address, key: key)
        }
    }

    private func openAudit(_ identity: ServerIdentity) throws -> ServerAudit {
        let signing = AuditTrust.signing(with: identity, keyPath: configuration.privateKeyPath)
        let (log, opening) = try AuditLog.open(path: configuration.auditLogPath, signing: signing, layout: .reflector)
        if opening.cutBytes > 0 {
            logger.warning(
                "unacknowledged lines were cut off the audit log",
                metadata: ServerAudit.metadata(opening, path: configuration.auditLogPath)
            )
        }
        return ServerAudit(log: log, endpoint: identity.current.endpointID, logger: logger)
    }
}

/// The shutdown timed out: the next start settles the remaining tests with what was charged.
package struct ShutdownTimeout: Error, CustomStringConvertible {
    let seconds: Int

    package var description: String {
        "the shutdown did not finish within limits.shutdown_timeout_sec, \(seconds) s, and was given up; the next start "
            + "settles what was left"
    }
}
