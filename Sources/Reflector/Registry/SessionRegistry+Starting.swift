internal import FoundationEssentials
internal import Identity
internal import LinkMeasurement
internal import Operations
internal import PacketIO

/// How a test starts.
extension SessionRegistry {
    func start(_ request: SessionRequest, from requester: Requester) async throws -> SessionGrant {
        guard accepting else {
            throw Self.busy("the reflector is shutting down; try again when it is back", retryAfter: nil)
        }
        guard audit.isHealthy else {
            throw Self.busy(
                "the audit log cannot be written, so no test may run; ask the reflector's owner",
                retryAfter: 60
            )
        }
        let testID = UUID().uuidString.lowercased()
        // Looked up only if the test may need it.
        let mayNeedIperf = request.testType == .throughput && request.params.engine != .native
        let iperf = mayNeedIperf ? await IperfProgram.find(settings.iperfPath) : nil
        let admission: Admission
        do {
            admission = try await governor.admit(
                request,
                from: requester.peer,
                testID: testID,
                clientHasNative: requester.hasNative,
                iperf: iperf
            )
        } catch var deny as SessionDeny {
            if deny.reason == .busy { deny.retryAfterSec = secondsUntilSlot() }
            throw deny
        }
        guard accepting else {
            // The shutdown started meanwhile, and did not see this test.
            try? await governor.cancel(testID, late: unsettled(testID, of: requester.peer))
            throw Self.busy("the reflector is shutting down; try again when it is back", retryAfter: nil)
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
        let length = Duration.seconds(admission.params.durationSec + SessionParameters.setupSeconds)
        let deadline = session.startedAt + length
        running[testID] = Entry(session: session, deadline: deadline)

        do {
            let engine = try await startEngine(for: session, at: requester.localAddress)
            guard running[testID] != nil, !session.hasEnded else {
                // Ended while its engine was being created: no other code knows of the engine.
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
            await abandon(testID, counts: !(error is AuditError))
            switch error {
            case let failure as IperfServer.Failure: throw Self.denial(for: failure)
            // Waiting does not help with an unusable address.
            case let failure as PortRangeError where failure.cause == nil: throw Self.busy("\(failure)", retryAfter: 5)
            case is AuditError:
                throw Self.busy(
                    "the audit log cannot be written, so no test may run; ask the reflector's owner",
                    retryAfter: 60
                )
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

    func startEngine(for session: LiveSession, at address: String) async throws -> SessionEngine {
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
    func startIperf(for session: LiveSession, mode: DataMode, at address: String) async throws -> SessionEngine {
        guard let program = await IperfProgram.find(settings.iperfPath) else {
            throw IperfServer.Failure.missing(settings.iperfPath)
        }
        let version = session.params.iperfVersion.flatMap(IperfVersion.init)
        let server = try await IperfServer.start(
            executable: program.path,
            options: program.options(for: version),
            stateFolder: settings.stateFolder
        )
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

    func startEcho(for session: LiveSession, token: AccessToken, at address: String) throws -> DirectEcho {
        try DirectEcho.start(
            for: session,
            token: token,
            address: address,
            ports: settings.dataPorts,
            packetsPerSecond: settings.echoPacketsPerSecond
        )
    }

    func secondsUntilSlot() -> Int {
        let remaining = running.values.map { $0.deadline - .now }.min() ?? .seconds(1)
        return max(1, Int(remaining.components.seconds))
    }

    static func busy(_ message: String, retryAfter: Int?) -> SessionDeny {
        SessionDeny(reason: .busy, message: message, retryAfterSec: retryAfter)
    }

    static func denial(for failure: IperfServer.Failure) -> SessionDeny {
        switch failure {
        case .missing: SessionDeny(reason: .invalidParams, message: failure.description, retryAfterSec: nil)
        case .didNotListen: busy(failure.description, retryAfter: 5)
        }
    }
}
