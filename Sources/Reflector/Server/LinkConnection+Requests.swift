internal import Identity
internal import LinkMeasurement
internal import Logging
internal import NIOCore
internal import Operations
internal import PacketIO

/// What a peer sends, and the answers.
extension LinkConnection {
    func process() {
        while !isDecoding {
            switch phase {
            case .handshaking, .identifying, .opening, .closing: return
            case .stranger, .authorized: break
            }
            guard !mustWait(), outstanding < mostOutstanding, context?.channel.isWritable == true else {
                return regulateReads()
            }
            let payload: ByteBuffer
            do {
                guard let next = try decoder.next() else { return regulateReads() }
                payload = next
            } catch {
                if case .stranger(let peer) = phase { auditRefusal(of: peer, reason: "frame too long") }
                return fail("", .tooLong(error.description))
            }
            lastFrame = .now()
            framesSeen += 1
            guard payload.readableBytes > LargeFrames.threshold else {
                handle(LinkEnvelope.read(payload))
                continue
            }
            decodeElsewhere(payload)
        }
    }

    /// Decoding it here would delay every other connection on this event loop.
    private func decodeElsewhere(_ payload: ByteBuffer) {
        guard let eventLoop = context?.eventLoop else { return }
        isDecoding = true
        regulateReads()
        let peer: EndpointID? = if case .authorized(let peer) = phase { peer } else { nil }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        core.largeFrames.decode(payload, for: peer) { result in
            eventLoop.execute {
                bound.value.isDecoding = false
                bound.value.handle(result)
                bound.value.process()
            }
        }
    }

    private func handle(_ result: Result<LinkEnvelope, LinkDecodingError>) {
        switch (result, phase) {
        case (_, .handshaking), (_, .identifying), (_, .opening), (_, .closing): break
        case (.success(let envelope), .stranger(let peer)): stranger(peer, envelope)
        case (.success(let envelope), .authorized(let peer)):
            if framesSeen == 1 { armIdle() }
            request(peer, envelope)
        case (.failure(let error), .stranger(let peer)):
            auditRefusal(of: peer, reason: "malformed frame")
            fail(error.requestID, .badRequest(error.message))
        case (.failure(let error), .authorized):
            if framesSeen == 1 { armIdle() }
            reply(error.requestID, .error(.badRequest(error.message)))
        }
    }

    func stranger(_ peer: EndpointID, _ envelope: LinkEnvelope) {
        outstanding += 1
        switch envelope.payload {
        case .pairRequest(let pairing):
            // One token per connection: each guess costs a handshake.
            phase = .identifying
            regulateReads()
            refusalAudited = true
            run { [core, remote] in
                await core.pair(peer, pairing, from: remote)
            } then: { connection, outcome in
                connection.paired(peer, outcome, requestID: envelope.requestID)
            }
        case .hello:
            run { [core] in
                await core.governor.isPairingOpen() ? core.serverHello : nil
            } then: { connection, hello in
                connection.outstanding -= 1
                // It left, or its time was over.
                guard case .stranger = connection.phase else { return }
                guard let hello else { return connection.refuseStranger(peer, envelope.requestID) }
                connection.reply(envelope.requestID, .serverHello(hello))
                connection.process()
            }
        default:
            outstanding -= 1
            refuseStranger(peer, envelope.requestID)
        }
    }

    func refuseStranger(_ peer: EndpointID, _ requestID: String) {
        auditRefusal(of: peer, reason: "unauthorized")
        fail(
            requestID,
            .forbidden("unauthorized: this endpoint does not know \(peer); pair it with a token from `reflector pair`")
        )
    }

    func paired(_ peer: EndpointID, _ outcome: PairingOutcome, requestID: String) {
        guard phase == .identifying else { return }
        outstanding -= 1
        switch outcome {
        case .paired(let response):
            if let error = authorize(peer) { return fail(requestID, error) }
            reply(requestID, .pairResponse(response))
            process()
        case .refused(let message):
            send(LinkEnvelope(requestID: requestID, payload: message))
            close()
        }
    }

    func request(_ peer: EndpointID, _ envelope: LinkEnvelope) {
        switch envelope.payload {
        case .hello(let hello):
            guard hello.version.utf8.prefix(while: { $0 != UInt8(ascii: ".") }).elementsEqual("1".utf8) else {
                let message =
                    "unsupported version \(hello.version.printable(limit: 16)): must be \(Hello.currentVersion)"
                return reply(envelope.requestID, .error(.badRequest(message)))
            }
            clientFeatures = Set(hello.features)
            reply(envelope.requestID, .serverHello(core.serverHello))
        case .tunnelOpen(let open):
            guard framesSeen == 1 else {
                let message = "tunnel_open must be the first frame of its own connection"
                return reply(envelope.requestID, .error(.badRequest(message)))
            }
            phase = .opening(peer)
            regulateReads()
            openTunnel(open, peer: peer, requestID: envelope.requestID)
        default:
            outstanding += 1
            let requester = SessionRegistry.Requester(
                peer: peer,
                address: remote.address.host.description,
                localAddress: remote.local.host.description,
                connection: id,
                hasNative: clientFeatures.contains(LinkFeature.native)
            )
            run { [core] in
                await core.answer(envelope.payload, from: requester)
            } then: { connection, answer in
                connection.outstanding -= 1
                guard connection.phase != .closing else { return }
                connection.reply(envelope.requestID, answer)
                connection.process()
            }
        }
    }

    func openTunnel(_ open: TunnelOpen, peer: EndpointID, requestID: String) {
        guard let channel = context?.channel else { return }
        run { [core] in
            await core.prepareTunnel(open, peer: peer, channel: channel)
        } then: { connection, result in
            switch result {
            case .success(let tunnel): connection.becomeTunnel(tunnel, requestID: requestID)
            case .failure(let error): connection.fail(requestID, error)
            }
        }
    }

    func becomeTunnel(_ tunnel: PreparedTunnel, requestID: String) {
        guard case .opening(let peer) = phase, let context else { return tunnel.abandon() }
        deadline?.cancel()
        // While arriving bytes are still buffered here, and before the tunnel controls reading.
        resumeReads()
        phase = .closing
        send(LinkEnvelope(requestID: requestID, payload: .ok))
        let remainder = decoder.takeRemainder()
        socket.becomesTunnel(of: peer)
        do {
            try tunnel.install(on: context.channel)
        } catch {
            tunnel.abandon()
            return close()
        }
        if let remainder {
            context.fireChannelRead(wrapInboundOut(remainder))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
