internal import Identity
internal import LinkMeasurement
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Operations
internal import PacketIO
internal import Pairing
internal import PrometheusMetrics
internal import Synchronization

/// Whether a peer that proved its key is authorized.
enum Admittance: Sendable {
    case allowed
    case unknown
    case failed(LinkError)
}

enum PairingOutcome: Sendable {
    case paired(PairResponse)
    /// The last message of the connection.
    case refused(LinkMessage)
}

/// What all connections of a running server share.
final class ReflectorCore: Sendable {
    struct Settings: Sendable {
        var alpn: String
        var requireALPN: Bool
        var mode: DataMode
        var quotas: Quotas
        var networkPosition: NetworkPosition?
    }

    let settings: Settings
    let limits: ConnectionLimits
    let identity: ServerIdentity
    let governor: Governor
    let sessions: SessionRegistry
    let audit: ServerAudit
    let ledger: ConnectionLedger
    let budgets: ControlBudgets
    let largeFrames = LargeFrames()
    let logger: Logger
    let startedAt = ContinuousClock.now
    let hasIperf: Bool
    /// The content of `/metrics`.
    let registry = PrometheusRegistry()
    let metadata = PathMetadataCollector(buildVersion: BuildVersion.version, buildHash: BuildVersion.commit)

    init(
        settings: Settings,
        limits: ConnectionLimits,
        identity: ServerIdentity,
        governor: Governor,
        sessions: SessionRegistry,
        audit: ServerAudit,
        logger: Logger,
        hasIperf: Bool
    ) {
        self.settings = settings
        self.limits = limits
        self.identity = identity
        self.governor = governor
        self.sessions = sessions
        self.audit = audit
        self.ledger = ConnectionLedger(limits: limits)
        self.budgets = ControlBudgets(limits: limits)
        self.logger = logger
        self.hasIperf = hasIperf
    }

    var serverHello: ServerHello {
        ServerHello(
            version: Hello.currentVersion,
            features: [LinkFeature.native, LinkFeature.latencyProbe] + (hasIperf ? [LinkFeature.iperf3] : []),
            policySummary: PolicySummary(
                maxTestDurationSec: settings.quotas.maxTestDurationSec,
                maxConcurrentTests: settings.quotas.maxConcurrentTests,
                maxTestsPerHour: settings.quotas.maxTestsPerHourPerPeer,
                allowedTestTypes: settings.quotas.allowedTestTypes.map(\.rawValue)
            ),
            networkPosition: settings.networkPosition
        )
    }

    // MARK: Authorization

    func admit(_ peer: EndpointID, from remote: RemoteEnd) async -> Admittance {
        guard await governor.isAuthorized(peer) else { return .unknown }
        // A handshake and a line in the audit log: a peer that keeps connecting waits for its budget.
        budgets.charge(ControlBudgets.connectionCost, to: peer)
        let patience = Int64(limits.firstFrameTimeoutSec) * 1_000_000_000
        let wait = min(budgets.wait(of: peer).nanoseconds, patience)
        if wait > 0 {
            try? await Task.sleep(for: .nanoseconds(wait))
            guard budgets.wait(of: peer) == .zero else {
                return .failed(.tooMany("this peer has spent its budget of control bytes; try again later"))
            }
            guard await governor.isAuthorized(peer) else { return .unknown }
        }
        do {
            try await audit.connectionAccepted(peer, address: remote.description)
            return .allowed
        } catch {
            if audit.mayTell(of: peer) {
                logger.error("audit log failed", metadata: ["peer.id": "\(peer)", "error": "\(error)"])
            }
            return .failed(
                .unavailable("the audit log cannot be written, so no peer is admitted; ask the reflector's owner")
            )
        }
    }

    func refused(_ peer: EndpointID?, from remote: RemoteEnd, reason: String, isPairing: Bool = false) async {
        do {
            let isTold = try await audit.connectionDenied(
                peer,
                address: remote.description,
                reason: reason,
                isPairing: isPairing
            )
            guard isTold else { return }
        } catch {
            logger.error("audit log failed", metadata: ["error": "\(error)"])
        }
        logger.info(
            "connection denied",
            metadata: [
                "peer.address": "\(remote)", "peer.id": "\(peer?.description ?? "none")", "reason": "\(reason)",
            ]
        )
    }

    func pair(_ peer: EndpointID, _ request: PairRequest, from remote: RemoteEnd) async -> PairingOutcome {
        switch await governor.presentToken(request.token) {
        case .accepted: break
        case .wrongToken(let left):
            await refused(peer, from: remote, reason: "wrong pairing token", isPairing: true)
            let message =
                left > 0
                ? "the pairing token is wrong; tries left: \(left)"
                : "the pairing token is wrong; the window is closed now, run `reflector pair` again"
            return .refused(.pairResponse(PairResponse(success: false, message: message, endpointID: nil)))
        case .closed:
            await refused(peer, from: remote, reason: "unauthorized")
            return .refused(
                .error(
                    .forbidden(
                        "unauthorized: no pairing window is open (never opened, used, or expired); "
                            + "run `reflector pair` on the endpoint"
                    )
                )
            )
        }
        let enrolled = PairedPeer(
            endpointID: peer,
            label: PeerStore.cleaned(request.label),
            pairedAt: ServerClock.system.unixMilliseconds(),
            pairedFrom: remote.description
        )
        do {
            try await audit.peerPaired(enrolled)
            do {
                try await governor.enroll(enrolled)
            } catch {
                try await audit.peerRemoved(peer, reason: "the pairing could not be stored: \(error)")
                throw error
            }
        } catch {
            await governor.reinstatePairing(request.token)
            logger.error("peer could not be enrolled", metadata: ["peer.id": "\(peer)", "error": "\(error)"])
            let message = "the endpoint could not store the pairing; check its log, then try the same token again"
            return .refused(.pairResponse(PairResponse(success: false, message: message, endpointID: nil)))
        }
        logger.info("peer paired", metadata: ["peer.id": "\(peer)", "peer.address": "\(remote)"])
        return .paired(
            PairResponse(success: true, message: "paired", endpointID: identity.current.endpointID)
        )
    }

    // MARK: Requests

    func answer(_ message: LinkMessage, from requester: SessionRegistry.Requester) async -> LinkMessage {
        switch message {
        case .sessionRequest(let request):
            return await sessions.request(request, from: requester)
        case .sessionClose(let close):
            return await sessions.close(close.testID, by: requester.peer).map { .error($0) } ?? .ok
        case .getResult(let wanted):
            return await sessions.result(of: wanted.testID, for: requester.peer)
        case .getStatus:
            return await status(for: requester.peer)
        case .getPathMeta:
            return await pathMetadata(localAddress: requester.localAddress)
        case .pairRequest:
            return .pairResponse(
                PairResponse(success: true, message: "already paired", endpointID: identity.current.endpointID)
            )
        case .hello, .tunnelOpen, .serverHello, .pairResponse, .sessionGrant, .sessionDeny, .result, .statusSnapshot,
            .pathMeta, .ok, .error:
            return .error(.badRequest("\(message.type) is not a request"))
        }
    }

    private func status(for peer: EndpointID) async -> LinkMessage {
        do {
            let today = try await governor.today(peer)
            return .statusSnapshot(
                StatusSnapshot(
                    endpointID: identity.current.endpointID,
                    uptimeSec: uptimeSeconds,
                    activeTest: await governor.activeTest(of: peer),
                    testsToday: today.tests,
                    bytesToday: today.bytes,
                    networkPosition: settings.networkPosition
                )
            )
        } catch {
            if audit.mayTell(of: peer) {
                logger.error("accounts cannot be read", metadata: ["peer.id": "\(peer)", "error": "\(error)"])
            }
            return .error(.unavailable("the endpoint cannot read its accounts"))
        }
    }

    private func pathMetadata(localAddress: String) async -> LinkMessage {
        do {
            return .pathMeta(try await metadata.collect(localAddress: localAddress))
        } catch {
            return .error(.unavailable("the endpoint cannot read its own state: \(error)"))
        }
    }

    var uptimeSeconds: Int { Int((ContinuousClock.now - startedAt).components.seconds) }

    // MARK: Tunnels

    func prepareTunnel(
        _ open: TunnelOpen,
        peer: EndpointID,
        channel: any Channel
    ) async -> Result<PreparedTunnel, LinkError> {
        guard let role = await sessions.openTunnel(open, peer: peer, channel: channel) else {
            return .failure(
                .forbidden("you have no running test with this ID and token, or it has all its connections")
            )
        }
        do {
            return .success(try await PreparedTunnel.make(role, on: channel, packetsPerSecond: limits.udpEchoMaxPps))
        } catch {
            if audit.mayTell(of: peer) {
                logger.error(
                    "tunnel could not be opened",
                    metadata: ["test.id": "\(open.testID)", "peer.id": "\(peer)", "error": "\(error)"]
                )
            }
            return .failure(.unavailable("the test's own server cannot be reached: \(error)"))
        }
    }
}
