internal import Identity
internal import IdentityCertificates
internal import NIOCore
internal import NIOSSL

extension ConnectionHandler {
    func scheduleHandshakeTimeout(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(setup.options.handshakeTimeout)) {
            bound.value.fail(.timedOut(what: "the handshake"))
        }
    }

    /// The connection is a connection now.
    func open(peer: Peer) {
        guard let context else { return }
        timer?.cancel()
        decoder.limit = setup.options.effectiveMaximumPayloadLength
        phase = .open
        outbox.open(setup.options)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let connection = Connection(
            peer: peer,
            outbox: outbox,
            inbox: inbox,
            calls: calls,
            channel: context.channel,
            metrics: setup.metrics,
            finish: { eventLoop.execute { bound.value.finish(.closed) } }
        )
        opened(connection)
        let address = context.channel.remoteAddress
        account = setup.service?.handlers.budget.account(of: WorkBudget.Key(peer, from: address))
        setup.metrics.connectionOpened()
        if case .none = setup.protection {} else { setup.metrics.handshakeSucceeded() }
        heartbeat.paused(now: .now)
        scheduleHeartbeat(at: heartbeat.firstCheck)
        setup.opened(.success(connection))
        guard let opened = setup.dispatcher?.opened else { return }
        account?.begin(bytes: 0)
        startedWork()?.put(ConnectionWork.Job(bytes: 0, isDue: true) { await opened(connection) })
    }

    private func scheduleHeartbeat(at instant: ContinuousClock.Instant) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let delay = max(.zero, instant - .now)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(delay)) { bound.value.beat() }
    }

    private func beat() {
        guard let context else { return }
        switch phase {
        case .open, .finishing: break
        default: return
        }
        // Nothing is expected of a peer that is not read, however long its handlers take.
        let isListening = if case .open = phase { isReading } else { false }
        if !isListening { heartbeat.paused(now: .now) }
        // What the system has not taken yet, exactly: a large message is taken in many pieces.
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? outbox.bytesUnderWay
        let written = outbox.bytesWritten + outbox.bytesUnderWay - unsent
        switch heartbeat.check(now: .now, unsentBytes: unsent, writtenBytes: written) {
        case .fine(let next):
            // Its pings are not read either, and what it waits for may take longer than it waits for a sign of life.
            if !isListening, unsent == 0 { ping() }
            scheduleHeartbeat(at: next)
        case .ping(let next):
            // Nothing came for so long that what waits for more can go.
            work?.rest()
            ping()
            scheduleHeartbeat(at: next)
        case .dead(let error): fail(error)
        }
    }

    func ping() {
        switch phase {
        case .open: guard calls.enterPing(0, nil) else { return }
        case .finishing where !isGoodByeSaid: break
        default: return
        }
        try? outbox.appendOnLoop(.ping)
        turn()
    }

    // MARK: TLS

    func completedTLS(
        _ negotiated: String?,
        pins: Set<CertificatePin>,
        name: String?,
        _ context: ChannelHandlerContext
    ) {
        guard negotiated == TLSContext.applicationProtocol else {
            return fail(.tls(reason: "the other side does not speak \(TLSContext.applicationProtocol) (ALPN)"))
        }
        if let name {
            let certificate = (try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()) ?? nil
            guard let certificate, (try? ServerName.isNamed(name, in: certificate)) ?? false else {
                failureReason = "wrong_name"
                return fail(.tls(reason: "the daemon's certificate is valid, but not for \(name)"))
            }
        }
        // A session that is resumed brings the certificate of its first handshake, and only then the TLS library looked at its dates.
        if let certificate = (try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()) ?? nil {
            let now = WallClock.milliseconds / 1_000
            guard now <= UInt64(max(0, certificate.notValidAfter)) else {
                return fail(.tls(reason: "the other side's certificate has expired"))
            }
        }
        let peer = tlsPeer(context)
        if !pins.isEmpty {
            guard let pin = peer.certificatePin, pins.contains(pin) else {
                failureReason = "wrong_pin"
                let found = peer.certificatePin.map(\.description) ?? "no certificate"
                return fail(
                    .tls(reason: "the peer's certificate is valid, but its key is not one of those pinned: \(found)")
                )
            }
        }
        open(peer: peer)
    }

    // MARK: Handshake

    func beginHandshake(_ trust: Trust) {
        var generator = SystemRandomNumberGenerator()
        let initiator = HandshakeInitiator(trust: trust, timestamp: WallClock.milliseconds, using: &generator)
        phase = .awaitingResponse(initiator)
        try? outbox.appendOnLoop(.handshakeInit(initiator.opening))
    }

    func answer(_ opening: HandshakeInit) throws(ConnectionError) {
        guard case .handshake(let trust) = setup.protection, case .responder(let seen) = setup.side else {
            throw .protocolViolation("a handshake where none is expected")
        }
        var generator = SystemRandomNumberGenerator()
        do throws(HandshakeError) {
            let responder = try HandshakeResponder(
                trust: trust,
                opening: opening,
                now: WallClock.milliseconds,
                seen: seen,
                using: &generator
            )
            phase = .awaitingConfirm(responder)
            try? outbox.appendOnLoop(.handshakeResponse(responder.response))
        } catch {
            // Nothing is secret yet, and whoever has the wrong time should learn it.
            refuse(error)
        }
    }

    func confirm(_ initiator: HandshakeInitiator, _ response: HandshakeResponse) throws(ConnectionError) {
        do throws(HandshakeError) {
            let (confirm, result) = try initiator.receive(response)
            try? outbox.appendOnLoop(.handshakeConfirm(confirm))
            seal(result)
            phase = .awaitingAcceptance(result)
        } catch {
            throw .handshake(error)
        }
    }

    func accept(_ responder: HandshakeResponder, _ confirm: HandshakeConfirm) throws(ConnectionError) {
        do throws(HandshakeError) {
            let (result, refusal) = try responder.receive(confirm)
            seal(result)
            if let refusal { return refuse(refusal) }
            try? outbox.appendOnLoop(.pong)
            guard let context else { return }
            open(peer: plainPeer(context, endpointID: result.peer))
        } catch {
            throw .handshake(error)
        }
    }

    /// Tells the peer why it is refused, and closes.
    private func refuse(_ error: HandshakeError) {
        let code: FailureCode =
            switch error {
            case .clockSkew: .clockSkew
            case .noIdentity, .notAdmitted: .unauthorised
            default: .protocolViolation
            }
        end = .handshake(error)
        try? outbox.appendOnLoop(.failure(id: 0, code: code, reason: error.description))
        flush()
        guard let context else { return }
        // The farewell is one small packet: the system takes it, or nobody is there to read it.
        context.close(mode: .output, promise: nil)
        fail(.handshake(error))
    }

    // MARK: Who it is

    func plainPeer(_ context: ChannelHandlerContext, endpointID: EndpointID? = nil) -> Peer {
        Peer(
            endpointID: endpointID,
            certificatePin: nil,
            credentials: UnixPeer.credentials(of: context.channel),
            address: PeerAddress.text(of: context.channel)
        )
    }

    func tlsPeer(_ context: ChannelHandlerContext) -> Peer {
        let certificate = (try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()) ?? nil
        return Peer(
            endpointID: certificate.flatMap { try? $0.toDERBytes() }.flatMap {
                try? PeerIdentity.endpointID(ofLeaf: $0)
            },
            certificatePin: certificate.flatMap { try? CertificatePin(of: $0) },
            credentials: nil,
            address: PeerAddress.text(of: context.channel)
        )
    }
}
