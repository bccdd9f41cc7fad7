internal import Identity
public import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization

/// This machine as a member of a cluster: which other members there are, and which of them answer. SWIM with
/// Lifeguard's refinements, over UDP, under a key that all members share.
///
///     var configuration = ClusterConfiguration(name: "chat", key: key, identity: identity, listening: address)
///     configuration.seeds = ["seed-1.example.net:7000", "seed-2.example.net:7000"]
///     let cluster = Cluster(configuration, dispatcher: dispatcher)
///     // Until SIGTERM or SIGINT; in a ServiceGroup it is cluster.run().
///     try await cluster.runUntilSignal()
///     // In other tasks:
///     for await event in cluster.events { print(event.change, event.member.endpointID) }
///     let reply = try await cluster.request("greet", Array("Ada".utf8), to: member)
///
/// It is a `Service`: a graceful shutdown tells the others that this member leaves, within
/// ``ClusterConfiguration/leaveTimeout``. Canceling the task does not; the others detect it.
///
/// Every holder of the key is trusted with any claim about any member. Without the key a machine can neither read nor
/// send. Datagrams that arrive twice or more than 30 s from their time are dropped, so the members' clocks must agree
/// that far.
public final class Cluster: Service, Sendable {
    /// Between two lookups of seeds that are names.
    private static let lookUpInterval = Duration.seconds(30)
    /// Between two log lines about a name that is not found, in nanoseconds; a cluster may work well without one of its
    /// seeds.
    private static let notFoundInterval: Int64 = 600_000_000_000

    private enum Phase { case idle, running, ended }

    let configuration: ClusterConfiguration
    let messaging: ClusterMessaging
    let clusterKeys: ClusterKeys
    private let logger: Logger
    private let hub = MembershipHub()
    private let phase = Mutex(Phase.idle)
    private let ownMember = Announcement<ClusterMember>()
    private let stopped: AsyncStream<Void>
    private let tellStopped: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - dispatcher: handles messages from other members; without one this member accepts none, but can still send.
    ///   - logger: gets members that join, fail and leave at `info`, and what keeps members out: seeds that are not
    ///     found or do not answer, refused datagrams, another member with this one's identity; each of these at once,
    ///     and then at most once a minute. The rest at `debug`.
    public init(
        _ configuration: ClusterConfiguration,
        dispatcher: Dispatcher? = nil,
        logger: Logger = Logger(label: "network-protocol.cluster")
    ) {
        self.configuration = configuration
        self.logger = logger
        clusterKeys = ClusterKeys(configuration)
        messaging = ClusterMessaging(configuration, clusterKeys, dispatcher: dispatcher, hub: hub, logger: logger)
        (stopped, tellStopped) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The other members that are alive or suspect now, by Endpoint ID. As of their last change.
    public var members: [ClusterMember] { hub.members.sorted { $0.id < $1.id } }

    /// The changes, starting with the current members; for any number of consumers, each with a start of its own.
    public var events: MembershipEvents { MembershipEvents(hub: hub) }

    /// This member as the others see it, once it listens: with the chosen port if 0 was requested. Nil if it could not
    /// start, or if the task is canceled.
    public func started() async -> ClusterMember? { await ownMember.value() }

    /// Tells the others that this member leaves and ends ``run()``; returns when that is done. Does nothing if it does
    /// not run.
    public func leave() async {
        guard phase.withLock({ $0 == .running }) else { return }
        tellStopped.yield()
        // They end when `run` does.
        for await _ in events {}
    }

    /// Runs the member until SIGTERM or SIGINT, then tells the others that it leaves; otherwise like ``run()``. A
    /// second signal cuts off work in progress.
    ///
    /// - Throws: what ``run()`` throws.
    public func runUntilSignal() async throws {
        try await SignalShutdown.run {
            try await self.run()
        } shutDown: { [tellStopped] in
            tellStopped.yield()
        }
    }

    /// Runs the member until a graceful shutdown or ``leave()``, or until the task is canceled, which the others must
    /// detect.
    ///
    /// - Throws: ``ClusterError``, before the others learn of this member.
    public func run() async throws {
        try begin()
        defer {
            phase.withLock { $0 = .ended }
            ownMember.announce(nil)
            hub.finish()
        }
        let (core, id) = try configuration.validated()
        let socket = try await open()
        let node: NIOLoopBound<ClusterNode>
        do {
            node = try await makeNode(core, id, socket, messagingPort: try await messaging.start())
        } catch {
            try? await socket.eventLoop.submit { socket.value.close() }.get()
            await messaging.stop(isGraceful: false)
            throw error
        }
        let own = try await node.eventLoop.submit { node.value.own }.get()
        logger.info("cluster member started", metadata: ["address": "\(own.address)"])
        ownMember.announce(own)
        // Ends with the events.
        Task { [messaging, events] in await messaging.follow(events) }
        await untilEnd(node)
        let isGraceful = !Task.isCancelled
        if isGraceful { await leave(node) }
        try? await node.eventLoop.submit { node.value.stop() }.get()
        await messaging.stop(isGraceful: isGraceful)
        logger.info("cluster member stopped", metadata: ["address": "\(own.address)"])
    }

    /// Waits for a graceful shutdown, for ``leave()``, or until the task is canceled.
    private func untilEnd(_ node: NIOLoopBound<ClusterNode>) async {
        // Not a child: the system's resolver may take longer.
        let seeds = Task { await self.lookUpSeeds(for: node) }
        await withTaskGroup { group in
            group.addTask { try? await gracefulShutdown() }
            group.addTask { [stopped] in for await _ in stopped { break } }
            await group.next()
            group.cancelAll()
        }
        seeds.cancel()
    }

    /// Runs `body` with the connection to a member, and the rest of `timeout`.
    func use<Value: Sendable>(
        _ id: EndpointID,
        within timeout: Duration?,
        _ body: (Connection, Duration?) async throws(ConnectionError) -> Value
    ) async throws(ClusterMessagingError) -> Value {
        guard phase.withLock({ $0 == .running }) else { throw .notRunning }
        let deadline = timeout.map { NIODeadline.now() + TimeAmount($0) }
        return try await messaging.use(id, until: deadline) { connection throws(ConnectionError) in
            try await body(connection, deadline.map { .nanoseconds(($0 - .now()).nanoseconds) })
        }
    }

    private func begin() throws(ClusterError) {
        let isFirst = phase.withLock { phase in
            defer { if phase == .idle { phase = .running } }
            return phase == .idle
        }
        guard isFirst else { throw .alreadyRan }
    }

    private func open() async throws -> NIOLoopBound<ClusterSocket> {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let (address, logger) = (configuration.listening, logger)
        let socket = try await eventLoop.submit {
            NIOLoopBound(ClusterSocket(eventLoop: eventLoop, address: address, logger: logger), eventLoop: eventLoop)
        }.get()
        do {
            try await eventLoop.flatSubmit { socket.value.open() }.get()
        } catch {
            throw ClusterError.listening(address, error)
        }
        return socket
    }

    private func makeNode(
        _ core: SwimConfiguration,
        _ id: MemberID,
        _ socket: NIOLoopBound<ClusterSocket>,
        messagingPort: UInt16
    ) async throws -> NIOLoopBound<ClusterNode> {
        let factory = configuration.messaging.connection.metricsFactory
        let metrics = ClusterMetrics(cluster: configuration.name, factory: factory)
        let (configuration, keys, hub, logger) = (configuration, clusterKeys, hub, logger)
        return try await socket.eventLoop.submit {
            let socket = socket.value
            guard let address = AdvertisedAddress.of(configuration, bound: socket.address) else {
                throw ClusterError.noAddress
            }
            let core = SwimCore(
                id: id,
                address: address,
                messagingPort: messagingPort,
                incarnation: WallClock.milliseconds,
                seeds: configuration.seeds.compactMap { MemberAddress($0) },
                configuration: core,
                seed: .random(in: .min ... .max),
                now: ClusterNode.now
            )
            let node = ClusterNode(
                core: core,
                keys: keys,
                socket: socket,
                hub: hub,
                metrics: metrics,
                logger: logger
            )
            node.start()
            return NIOLoopBound(node, eventLoop: socket.eventLoop)
        }.get()
    }

    /// Looks up seeds that are names, again and again: names move, and the resolver may be down.
    private func lookUpSeeds(for node: NIOLoopBound<ClusterNode>) async {
        guard configuration.seeds.contains(where: { MemberAddress($0) == nil }) else { return }
        var limit = LogLimit<String>(interval: Self.notFoundInterval)
        while !Task.isCancelled {
            var found: [MemberAddress] = []
            for seed in configuration.seeds {
                do throws(SeedLookupError) {
                    found += try await SeedLookup.addresses(of: seed)
                } catch {
                    guard !Task.isCancelled, limit.admit(seed, now: ClusterNode.now) != nil else { continue }
                    logger.info("seed not found", metadata: ["seed": "\(seed)", "reason": "\(error)"])
                }
            }
            let seeds = found
            try? await node.eventLoop.submit { node.value.use(seeds: seeds) }.get()
            try? await Task.sleep(for: Self.lookUpInterval)
        }
    }

    private func leave(_ node: NIOLoopBound<ClusterNode>) async {
        let timeout = configuration.leaveTimeout
        await withTaskGroup { group in
            group.addTask { try? await node.eventLoop.flatSubmit { node.value.leave() }.get() }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            // Stopping ends a leave that takes too long.
            try? await node.eventLoop.submit { node.value.stop() }.get()
            group.cancelAll()
        }
    }
}
