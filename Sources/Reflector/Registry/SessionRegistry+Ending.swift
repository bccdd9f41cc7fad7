internal import Identity
internal import LinkMeasurement
internal import Logging
internal import Operations
internal import PacketIO
internal import Storage

/// How a test ends.
extension SessionRegistry {
    /// Only the owner of a test may close it; nil means success.
    func close(_ testID: String, by peer: EndpointID) async -> LinkError? {
        guard let entry = running[testID] else {
            if let known = finished[testID], known.peer == peer { return nil }
            return .notFound("you have no running test \(testID.printable(limit: RefusedName.quoted))")
        }
        guard entry.session.peer == peer else {
            return .notFound("you have no running test \(testID.printable(limit: RefusedName.quoted))")
        }
        await end(testID, .closed)
        return nil
    }

    /// Logs that the end of a test is not in the accounts; the next start settles it, with what was charged.
    func unsettled(_ testID: String, of peer: EndpointID) -> @Sendable (any Error) -> Void {
        { [logger, audit] error in
            guard audit.mayTell(of: peer) else { return }
            let reason = DatabaseFailure.describe(error) ?? "\(error)"
            logger.error("test could not be settled", metadata: ["test.id": "\(testID)", "error": "\(reason)"])
        }
    }

    func stop(_ engine: SessionEngine) async {
        switch engine {
        case .tunnels: break
        case .iperf(let server, let gate):
            await gate?.close()
            _ = await server.stop()
        case .direct(let server): await server.stop()
        case .directEcho(let echo): _ = await echo.stop()
        }
    }

    /// The owner's connection is gone: its tests end after the grace period.
    func disconnected(_ connection: ConnectionID) {
        requesting[connection]?.hasGone = true
        for (testID, entry) in running where entry.session.owner == connection {
            Task { [weak self] in
                do { try await Task.sleep(for: Self.ownerGrace) } catch { return }
                await self?.end(testID, .ownerGone)
            }
        }
    }

    /// Before the peer's connections are closed: a test that ends because of that was ended by the removal.
    func peerWillBeRemoved(_ peer: EndpointID) {
        intend(.peerRemoved) { $0.session.peer == peer }
    }

    func peerRemoved(_ peer: EndpointID) async {
        await endAll(.peerRemoved) { $0.session.peer == peer }
    }

    /// Admits no more. To be called before anything is closed: a peer sees that its tunnels are refused, and closes its
    /// test, which the shutdown ended.
    func willShutDown() {
        accepting = false
        intend(.shutdown) { _ in true }
    }

    /// Ends every test.
    func shutdown() async {
        willShutDown()
        await endAll(.shutdown) { _ in true }
    }

    /// The tests will be ended for `reason`, whatever ends them first from here on.
    private func intend(_ reason: EndReason, where isMeant: (Entry) -> Bool) {
        for (testID, entry) in running where entry.wishedEnd == nil && isMeant(entry) {
            running[testID]?.wishedEnd = reason
        }
    }

    /// Ends tests concurrently: a slow one does not delay the others.
    func endAll(_ reason: EndReason, where isMeant: (Entry) -> Bool) async {
        let tests = running.filter { isMeant($0.value) }.keys
        await withTaskGroup { group in
            for testID in tests { group.addTask { await self.end(testID, reason) } }
        }
    }

    /// Ends a test once; later callers return when it has ended.
    func end(_ testID: String, _ reason: EndReason) async {
        guard let entry = running[testID] else { return }
        guard entry.isGranted else {
            // It is being prepared; the code that prepares it will end it.
            running[testID]?.wishedEnd = entry.wishedEnd ?? reason
            await withCheckedContinuation { endings[testID, default: []].append($0) }
            return
        }
        guard entry.session.end(reason) else {
            await withCheckedContinuation { endings[testID, default: []].append($0) }
            return
        }
        let reason = entry.wishedEnd ?? reason
        entry.timer?.cancel()
        let (result, bytes, exit) = await stop(entry, reason)
        do {
            try await governor.finish(testID, bytes: bytes, late: unsettled(testID, of: entry.session.peer))
        } catch {
            unsettled(testID, of: entry.session.peer)(error)
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
        ProcessMemory.trimSoon()
        logger.info(
            "session ended",
            metadata: [
                "test.id": "\(testID)", "peer.id": "\(entry.session.peer)", "reason": "\(reason.rawValue)",
            ]
        )
    }

    func stop(_ entry: Entry, _ reason: EndReason) async -> (SessionResult, bytes: Int, ChildExit?) {
        let session = entry.session
        var exit: ChildExit?
        var throughput: ThroughputResult?
        var retransmits: [StreamDirection: Int] = [:]
        var busiestThread: Double?
        // The tunnels were closed; their last bytes are counted when they are gone.
        await session.drained(within: Self.closePatience)
        // First: ending iperf3 may take seconds, in which nothing more must be counted.
        if let echo = entry.echo { session.echoEnded(await echo.stop()) }
        switch entry.engine {
        case .tunnels: break
        case .iperf(let server, let gate):
            await gate?.close()
            let ended = await server.stop()
            exit = ended
            throughput = try? IPerf3Output.result(ended.output, printedBy: .server, mode: session.mode)
        case .direct(let server):
            await server.stop()
            (retransmits, busiestThread) = (server.retransmits, server.busiestThread)
        case .directEcho(let echo): session.echoEnded(await echo.stop())
        }
        let result = SessionReport.make(
            session,
            state: .completed,
            reason: reason,
            throughput: throughput,
            retransmits: retransmits,
            busiestThread: busiestThread
        )
        return (result, result.bytesUp + result.bytesDown, exit)
    }

    /// Ends a test that could not start. It counts, because its peer could otherwise repeat a request that costs a key
    /// and a child process. Only a test that stopped because the audit log cannot be written is uncounted, as nothing
    /// starts then.
    func abandon(_ testID: String, counts: Bool) async {
        guard let entry = running.removeValue(forKey: testID) else { return }
        _ = entry.session.end(.engineFailed)
        let (_, bytes, _) = await stop(entry, .engineFailed)
        do {
            if counts {
                try await governor.finish(testID, bytes: bytes, late: unsettled(testID, of: entry.session.peer))
            } else {
                try await governor.cancel(testID, late: unsettled(testID, of: entry.session.peer))
            }
        } catch {
            unsettled(testID, of: entry.session.peer)(error)
        }
        release(testID)
    }

    func release(_ testID: String) {
        for waiter in endings.removeValue(forKey: testID) ?? [] { waiter.resume() }
        releasePatient(of: testID)
    }
}
