internal import Identity
internal import LinkMeasurement
internal import Logging
internal import NIOCore
internal import Operations
internal import PacketIO
internal import Storage

/// The running tests: starts them, ends them once, keeps their results.
///
/// A test ends at the first of: close by its owner, the owner's disconnect plus a grace period, its deadline, the end
/// of its iperf3, its byte budget, the removal of its peer, shutdown, a database failure while charging. Each test has
/// one timer, at its deadline; nothing runs without a test.
actor SessionRegistry {
    /// How long a test outlives its owner's connection.
    static let ownerGrace = Duration.seconds(5)
    /// How many results are kept.
    static let keptResults = 64
    /// How long the end of a test waits until its tunnels are gone.
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

    struct Entry {
        let session: LiveSession
        let deadline: ContinuousClock.Instant
        var engine = SessionEngine.tunnels
        var echo: DirectEcho?
        var timer: Task<Void, Never>?
        /// The grant is in the audit log. Until then an end is only recorded.
        var isGranted = false
        /// Why the test ends, whatever ends it.
        var wishedEnd: EndReason?
    }

    struct Finished {
        let peer: EndpointID
        let result: SessionResult
    }

    let settings: Settings
    let governor: Governor
    let audit: ServerAudit
    let logger: Logger
    var running: [String: Entry] = [:]
    var finished: [String: Finished] = [:]
    var finishedOrder: [String] = []
    /// Callers that wait for a test that is already being ended.
    var endings: [String: [CheckedContinuation<Void, Never>]] = [:]
    /// Requests for the result of a test whose iperf3 still runs; they wait only for a while.
    var patient: [String: Waiters] = [:]
    var accepting = true
    /// Connections with a request for a test in progress.
    var requesting: [ConnectionID: Requesting] = [:]
    var counts = Counts()

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

    /// Requests of one connection that are being decided, and whether it has gone since: there may be several, and the
    /// last of them must still see that.
    struct Requesting: Sendable {
        var count = 0
        var hasGone = false
    }

    private func answered(_ connection: ConnectionID) {
        requesting[connection]?.count -= 1
        if requesting[connection]?.count == 0 { requesting[connection] = nil }
    }

    func request(_ request: SessionRequest, from requester: Requester) async -> LinkMessage {
        requesting[requester.connection, default: Requesting()].count += 1
        defer { answered(requester.connection) }
        do {
            let grant = try await start(request, from: requester)
            // The owner may have left while its test was prepared, and no other event reports that.
            if requesting[requester.connection]?.hasGone == true { disconnected(requester.connection) }
            return .sessionGrant(grant)
        } catch let deny as SessionDeny {
            await denied(request, requester.peer, reason: deny.reason.rawValue)
            return .sessionDeny(deny)
        } catch {
            await denied(request, requester.peer, reason: "unavailable", failure: error)
            let reason = DatabaseFailure.describe(error) ?? "\(error)"
            return .error(.unavailable("the session could not start: \(reason)"))
        }
    }

    func denied(
        _ request: SessionRequest,
        _ peer: EndpointID,
        reason: String,
        failure: (any Error)? = nil
    ) async {
        counts.denied += 1
        do {
            guard try await audit.sessionDenied(request, peer: peer, mode: settings.mode, reason: reason) else {
                return
            }
        } catch {
            logger.error("audit log failed", metadata: ["error": "\(error)"])
        }
        guard let failure else { return }
        logger.error("session could not start", metadata: ["peer.id": "\(peer)", "error": "\(failure)"])
    }

    // MARK: While it runs

    func watch(_ testID: String, _ entry: Entry) {
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

    /// Waits for a busy database; any other database failure ends the test.
    func refill(_ session: LiveSession) async {
        do {
            session.allowance.refill(try await governor.charge(session.testID))
        } catch {
            let reason = DatabaseFailure.describe(error) ?? "\(error)"
            logger.error(
                "bytes could not be charged, ending the test",
                metadata: ["test.id": "\(session.testID)", "error": "\(reason)"]
            )
            await end(session.testID, .engineFailed)
        }
    }

    /// Admits one more connection to a test; nil if the token is not that test's.
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
}
