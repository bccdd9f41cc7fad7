internal import FoundationEssentials
internal import Identity
internal import Logging
internal import NIOCore
internal import Operations
internal import PacketIO

/// The running tests: starts them, ends them once, remembers what they measured.
///
/// A test ends at the first of: close by its owner, the owner's disconnect plus a grace, its deadline, the end of its
/// iperf3, its byte budget. Each test has one timer, at its deadline; nothing runs when no test does.
actor SessionRegistry {
    /// Seconds beyond a test's length until it expires: connections, iperf3's exchange of results.
    static let setupSeconds = 10
    /// How long a test outlives its owner's connection.
    static let ownerGrace = Duration.seconds(5)
    /// Results that can still be asked for.
    static let keptResults = 64
    /// How long the end of a test waits for its tunnels to be gone.
    static let closePatience = Duration.seconds(1)
    /// How long `get_result` waits for the last bytes.
    static let drainPatience = Duration.seconds(3)

    struct Settings: Sendable {
        var mode: DataMode
        var dataPorts: ClosedRange<Int>
        var iperfPath: String
        var stateFolder: String
        var echoPacketsPerSecond: Int
    }

    private struct Entry {
        let session: LiveSession
        let deadline: ContinuousClock.Instant
        let usageAtStart: CPUTime
        var engine = SessionEngine.tunnels
        var echo: DirectEcho?
        var timer: Task<Void, Never>?
        /// The grant is in the audit log. Until then an end is only noted.
        var isGranted = false
        var wishedEnd: EndReason?
    }

    private struct Finished {
        let peer: EndpointID
        let result: SessionResult
    }

    private let settings: Settings
    private let governor: Governor
    private let audit: ServerAudit
    private let logger: Logger
    private var running: [String: Entry] = [:]
    private var finished: [String: Finished] = [:]
    private var finishedOrder: [String] = []
    /// Who ends a test that is being ended already.
    private var endings: [String: [CheckedContinuation<Void, Never>]] = [:]
    /// Who asks for the result of a test whose iperf3 still runs; they wait for a while only.
    private var patient: [String: [CheckedContinuation<Void, Never>]] = [:]
    private var accepting = true
    /// Connections that request a test now, and whether they have gone since.
    private var requesting: [ConnectionID: Bool] = [:]
    private(set) var counts = Counts()

    /// Since the start.
    struct Counts: Sendable {
        var granted = 0
        var denied = 0
        var bytes = 0
    }

    init(settings: Settings, governor: Governor, audit: ServerAudit, logger: Logger) {
        self.settings = settings
        self.governor = governor
        self.audit = audit
        self.logger = logger
    }

    // MARK: Starting

    struct Requester: Sendable {
        let peer: EndpointID
        /// Address of the peer, and our own that it connected to, both without port.
        let address: String
        let localAddress: String
        let connection: ConnectionID
        let hasNative: Bool
    }

    func request(_ request: SessionRequest, from requester: Requester) async -> LinkMessage {
        if requesting[requester.connection] == nil { requesting[requester.connection] = false }
        defer { requesting[requester.connection] = nil }
        do {
            let grant = try await start(request, from: requester)
            // The owner may have left while its test was made ready; nobody else will tell.
            if requesting[requester.connection] == true { disconnected(requester.connection) }
            return .sessionGrant(grant)
        } catch let deny as SessionDeny {
            await denied(request, requester.peer, reason: deny.reason.rawValue)
            return .sessionDeny(deny)
        } catch {
            logger.error("session could not start", metadata: ["error": "\(error)"])
            await denied(request, requester.peer, reason: "unavailable")
            return .error(.unavailable("the session could not start: \(error)"))
        }
    }

    private func denied(_ request: SessionRequest, _ peer: EndpointID, reason: String) async {
        counts.denied += 1
        do {
            try await audit.sessionDenied(request, peer: peer, mode: settings.mode, reason: reason)
        } catch {
            logger.error("audit log failed", metadata: ["error": "\(error)"])
        }
    }

    private func start(_ request: SessionRequest, from requester: Requester) async throws -> SessionGrant {
        guard accepting else { throw Self.busy("the reflector is shutting down", retryAfter: nil) }
        guard audit.isHealthy else {
            throw Self.busy("the audit log cannot be written, no test may run", retryAfter: 60)
        }
        let testID = UUID().uuidString.lowercased()
        let admission: Admission
        do {
            admission = try await governor.admit(
                request,
                from: requester.peer,
                testID: testID,
                clientHasNative: requester.hasNative
            )
        } catch var deny as SessionDeny {
            if deny.reason == .busy { deny.retryAfterSec = secondsUntilSlot() }
            throw deny
        }

        let session = LiveSession(
            admission: admission,
            peer: requester.peer,
            peerAddress: requester.address,
            owner: requester.connection,
            type: request.testType,
            mode: settings.mode,
            onRefill: { [weak self] session in Task { await self?.refill(session) } },
            onSpent: { [weak self] session in Task { await self?.end(session.testID, .budgetSpent) } }
        )
        let length = Duration.seconds(admission.params.durationSec + Self.setupSeconds)
        let deadline = session.startedAt + length
        running[testID] = Entry(session: session, deadline: deadline, usageAtStart: .process())

        do {
            let engine = try await startEngine(for: session, at: requester.localAddress)
            guard running[testID] != nil, !session.hasEnded else {
                // Ended while its engine was being made: nobody else knows of the engine.
                await stop(engine)
                throw Self.busy("the test ended before it could start", retryAfter: 1)
            }
            running[testID]?.engine = engine
            if let echoToken = session.echoToken, settings.mode == .directEphemeral {
                running[testID]?.echo = try startEcho(for: session, token: echoToken, at: requester.localAddress)
            }
            // The decision is on the disk before the peer can act on it.
            try await audit.sessionGranted(session, pid: engine.pid)
            running[testID]?.isGranted = true
        } catch {
            await abandon(testID)
            switch error {
            case let failure as IperfServer.Failure: throw Self.denial(for: failure)
            // An address that cannot be used is no matter of waiting.
            case let failure as PortRangeError where failure.cause == nil: throw Self.busy("\(failure)", retryAfter: 5)
            case is AuditError: throw Self.busy("the audit log cannot be written, no test may run", retryAfter: 60)
            default: throw error
            }
        }
        if let reason = running[testID]?.wishedEnd { await end(testID, reason) }
        guard let entry = running[testID] else {
            throw Self.busy("the test ended before it could start", retryAfter: 1)
        }
        counts.granted += 1
        watch(testID, entry)
        let expiry = Operations.Timestamp(
            microseconds: Operations.Timestamp.now.microseconds + Int64(length / .microseconds(1))
        )
        return SessionGrant(
            testID: testID,
            mode: settings.mode,
            port: entry.engine.port(in: settings.mode),
            token: session.token.hex,
            expiresAt: expiry.description,
            engine: request.testType == .throughput ? session.params.engine : nil,
            streams: session.params.streams,
            credentials: entry.engine.credentials,
            echo: session.echoToken.map { EchoGrant(port: entry.echo?.port ?? 0, token: $0.hex) }
        )
    }

    private func startEngine(for session: LiveSession, at address: String) async throws -> SessionEngine {
        switch (session.type, session.params.engine, session.mode) {
        case (.udpEcho, _, .tunneled), (.throughput, .native, .tunneled):
            return .tunnels
        case (.udpEcho, _, .directEphemeral):
            return .directEcho(try startEcho(for: session, token: session.token, at: address))
        case (.throughput, .native, .directEphemeral):
            return .direct(
                try DirectNativeServer.start(
                    for: session,
                    address: address,
                    ports: settings.dataPorts
                )
            )
        case (.throughput, _, let mode):
            return try await startIperf(for: session, mode: mode, at: address)
        }
    }

    /// iperf3 listens on loopback, behind tunnels or a gate that count its bytes.
    private func startIperf(for session: LiveSession, mode: DataMode, at address: String) async throws -> SessionEngine
    {
        let server = try await IperfServer.start(executable: settings.iperfPath, stateFolder: settings.stateFolder)
        guard mode == .directEphemeral else { return .iperf(server, nil) }
        do {
            let gate = try await IperfGate.open(
                for: session,
                address: address,
                ports: settings.dataPorts,
                iperfPort: server.port
            )
            return .iperf(server, gate)
        } catch {
            _ = await server.stop()
            throw error
        }
    }

    private func startEcho(for session: LiveSession, token: AccessToken, at address: String) throws -> DirectEcho {
        try DirectEcho.start(
            for: session,
            token: token,
            address: address,
            ports: settings.dataPorts,
            packetsPerSecond: settings.echoPacketsPerSecond
        )
    }

    // MARK: While it runs

    private func watch(_ testID: String, _ entry: Entry) {
        let timer = Task { [weak self] in
            do { try await Task.sleep(until: entry.deadline, clock: .continuous) } catch { return }
            await self?.end(testID, .expired)
        }
        running[testID]?.timer = timer
        if case .iperf(let server, _) = entry.engine {
            Task { [weak self] in
                _ = await server.process.exit()
                await self?.end(testID, .processExited)
            }
        }
    }

    private func refill(_ session: LiveSession) async {
        do {
            session.allowance.refill(try await governor.charge(session.testID, bytes: Governor.instalment))
        } catch {
            logger.error("bytes could not be charged", metadata: ["test.id": "\(session.testID)", "error": "\(error)"])
            await end(session.testID, .engineFailed)
        }
    }

    /// Admits one more connection to a test; nil when the token is not that test's.
    func openTunnel(_ open: TunnelOpen, peer: EndpointID, channel: any Channel) -> TunnelRole? {
        guard let entry = running[open.testID], entry.session.peer == peer,
            let token = AccessToken(hex: open.token)
        else { return nil }
        let session = entry.session
        if entry.session.mode == .tunneled, let echoToken = session.echoToken, echoToken == token {
            guard session.openTunnel(channel, wish: nil) != nil else { return nil }
            return .echo(session, echoToken)
        }
        guard session.mode == .tunneled, session.token == token,
            let direction = session.openTunnel(channel, wish: open.direction)
        else { return nil }
        switch entry.engine {
        case .iperf(let server, _): return .iperf(session, port: server.port)
        case .tunnels:
            if session.type == .udpEcho { return .echo(session, session.token) }
            return direction == .up ? .sink(session) : .source(session)
        case .direct, .directEcho: return nil
        }
    }

    // MARK: Ending

    /// Only the owner of a test may close it; nil is success.
    func close(_ testID: String, by peer: EndpointID) async -> LinkError? {
        guard let entry = running[testID] else {
            if let known = finished[testID], known.peer == peer { return nil }
            return .notFound("no test \(testID.prefix(64)) of yours is running")
        }
        guard entry.session.peer == peer else {
            return .notFound("no test \(testID.prefix(64)) of yours is running")
        }
        await end(testID, .closed)
        return nil
    }

    private func stop(_ engine: SessionEngine) async {
        switch engine {
        case .tunnels: break
        case .iperf(let server, let gate):
            await gate?.close()
            _ = await server.stop()
        case .direct(let server): await server.stop()
        case .directEcho(let echo): _ = await echo.stop()
        }
    }

    /// The owner's connection is gone: its tests end after the grace.
    func disconnected(_ connection: ConnectionID) {
        if requesting[connection] != nil { requesting[connection] = true }
        for (testID, entry) in running where entry.session.owner == connection {
            Task { [weak self] in
                do { try await Task.sleep(for: Self.ownerGrace) } catch { return }
                await self?.end(testID, .ownerGone)
            }
        }
    }

    func peerRemoved(_ peer: EndpointID) async {
        await endAll(.peerRemoved) { $0.session.peer == peer }
    }

    /// Ends every test and admits none.
    func shutdown() async {
        accepting = false
        await endAll(.shutdown) { _ in true }
    }

    /// Ends tests side by side: one that takes its time does not keep the others going.
    private func endAll(_ reason: EndReason, where isMeant: (Entry) -> Bool) async {
        let tests = running.filter { isMeant($0.value) }.keys
        await withTaskGroup { group in
            for testID in tests { group.addTask { await self.end(testID, reason) } }
        }
    }

    /// Ends a test once; later callers return when it has ended.
    private func end(_ testID: String, _ reason: EndReason) async {
        guard let entry = running[testID] else { return }
        guard entry.isGranted else {
            // It is being made ready; whoever does that ends it.
            running[testID]?.wishedEnd = entry.wishedEnd ?? reason
            await withCheckedContinuation { endings[testID, default: []].append($0) }
            return
        }
        guard entry.session.end(reason) else {
            await withCheckedContinuation { endings[testID, default: []].append($0) }
            return
        }
        entry.timer?.cancel()
        let (result, bytes, exit) = await stop(entry, reason)
        do {
            try await governor.finish(testID, bytes: bytes)
        } catch {
            logger.error("test could not be settled", metadata: ["test.id": "\(testID)", "error": "\(error)"])
        }
        counts.bytes += bytes
        remember(result, of: entry.session.peer)
        do {
            try await audit.sessionCompleted(
                entry.session,
                result: result,
                pid: entry.engine.pid,
                exitCode: exit?.code
            )
        } catch {
            logger.error("audit log failed", metadata: ["error": "\(error)"])
        }
        running[testID] = nil
        release(testID)
        ProcessMemory.giveBack()
        logger.info(
            "session ended",
            metadata: [
                "test.id": "\(testID)", "peer.id": "\(entry.session.peer)", "reason": "\(reason.rawValue)",
            ]
        )
    }

    private func stop(_ entry: Entry, _ reason: EndReason) async -> (SessionResult, bytes: Int, ChildExit?) {
        let session = entry.session
        var exit: ChildExit?
        var throughput: ThroughputResult?
        var retransmits: [StreamDirection: Int] = [:]
        // The tunnels were closed; what they count last, they count when they are gone.
        await session.drained(within: Self.closePatience)
        switch entry.engine {
        case .tunnels: break
        case .iperf(let server, let gate):
            await gate?.close()
            let ended = await server.stop()
            exit = ended
            throughput = try? IPerf3Output.result(ended.output, printedBy: .server, mode: session.mode)
        case .direct(let server):
            await server.stop()
            retransmits = server.retransmits
        case .directEcho(let echo): session.echoEnded(await echo.stop())
        }
        if let echo = entry.echo { session.echoEnded(await echo.stop()) }
        let result = SessionReport.make(
            session,
            state: .completed,
            reason: reason,
            throughput: throughput,
            retransmits: retransmits,
            cpu: CPUTime.process() - entry.usageAtStart
        )
        return (result, result.bytesUp + result.bytesDown, exit)
    }

    /// Takes back a test that could not start.
    private func abandon(_ testID: String) async {
        guard let entry = running.removeValue(forKey: testID) else { return }
        _ = entry.session.end(.engineFailed)
        _ = await stop(entry, .engineFailed)
        do {
            try await governor.cancel(testID)
        } catch {
            logger.error("test could not be taken back", metadata: ["test.id": "\(testID)", "error": "\(error)"])
        }
        release(testID)
    }

    private func release(_ testID: String) {
        for waiter in endings.removeValue(forKey: testID) ?? [] { waiter.resume() }
        releasePatient(of: testID)
    }

    // MARK: Results

    /// What a test measured. Waits a moment for its last bytes.
    func result(of testID: String, for peer: EndpointID) async -> LinkMessage {
        if let entry = running[testID], entry.session.peer == peer {
            if case .iperf = entry.engine {
                await waitForEnd(of: testID)
            } else if case .direct(let server) = entry.engine {
                await server.finish()
            } else {
                await entry.session.drained(within: Self.drainPatience)
            }
        }
        // The streams may be gone before the end that their last byte asked for.
        if let entry = running[testID], entry.session.peer == peer, entry.session.isSpent {
            await end(testID, .budgetSpent)
        }
        if let known = finished[testID], known.peer == peer { return .result(known.result) }
        guard let entry = running[testID], entry.session.peer == peer else {
            return .error(
                .notFound(
                    "no test \(testID.prefix(64)) of yours is known; results are kept for the last "
                        + "\(Self.keptResults) tests"
                )
            )
        }
        let cpu = CPUTime.process() - entry.usageAtStart
        var retransmits: [StreamDirection: Int] = [:]
        if case .direct(let server) = entry.engine { retransmits = server.retransmits }
        return .result(
            SessionReport.make(
                entry.session,
                state: .running,
                reason: nil,
                throughput: nil,
                retransmits: retransmits,
                cpu: cpu
            )
        )
    }

    /// Waits until iperf3 has ended and its test with it, or for a while.
    private func waitForEnd(of testID: String) async {
        let limit = Task { [weak self] in
            try await Task.sleep(for: Self.drainPatience)
            await self?.releasePatient(of: testID)
        }
        await withCheckedContinuation { patient[testID, default: []].append($0) }
        limit.cancel()
    }

    private func releasePatient(of testID: String) {
        for waiter in patient.removeValue(forKey: testID) ?? [] { waiter.resume() }
    }

    private func remember(_ result: SessionResult, of peer: EndpointID) {
        finished[result.testID] = Finished(peer: peer, result: result)
        finishedOrder.append(result.testID)
        if finishedOrder.count > Self.keptResults { finished[finishedOrder.removeFirst()] = nil }
    }

    // MARK: Denials

    private func secondsUntilSlot() -> Int {
        let remaining = running.values.map { $0.deadline - .now }.min() ?? .seconds(1)
        return max(1, Int(remaining.components.seconds))
    }

    private static func busy(_ message: String, retryAfter: Int?) -> SessionDeny {
        SessionDeny(reason: .busy, message: message, retryAfterSec: retryAfter)
    }

    private static func denial(for failure: IperfServer.Failure) -> SessionDeny {
        switch failure {
        case .missing: SessionDeny(reason: .invalidParams, message: failure.description, retryAfterSec: nil)
        case .didNotListen: busy(failure.description, retryAfter: 5)
        }
    }
}
