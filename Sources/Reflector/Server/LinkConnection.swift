internal import Identity
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import PacketIO

/// One connection to the control port, from the end of its TLS handshake to its close or to its second life as a tunnel.
///
///     handshaking ──handshake──▶ identifying ──allow-list──▶ authorised ──tunnel_open──▶ opening ──▶ (tunnel)
///                                     │                          ▲
///                                     └───────▶ stranger ──pair──┘
///
/// Any state goes to `closing` on a deadline, a violation or a refusal. A wrong event is either the peer's violation
/// (answered with `error`, then closed), or late (ignored: the connection is closing).
final class LinkConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase: Equatable {
        case handshaking
        case identifying
        case stranger(EndpointID)
        case authorised(EndpointID)
        case opening(EndpointID)
        case closing
    }

    private let core: ReflectorCore
    private let id: ConnectionID
    private let remote: RemoteEnd
    private var phase = Phase.handshaking
    private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLengthUnauthorised)
    private var clientFeatures: Set<String> = []
    private var outstanding = 0
    private var framesSeen = 0
    /// A stranger's refusal has been written to the audit log, or will be.
    private var refusalAudited = false
    private var deadline: Scheduled<Void>?
    private var lastFrame = NIODeadline.now()
    private var readsPaused = false
    private var context: ChannelHandlerContext?

    init(core: ReflectorCore, id: ConnectionID, remote: RemoteEnd) {
        self.core = core
        self.id = id
        self.remote = remote
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm(seconds: core.limits.handshakeTimeoutSec)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .stranger(let peer) = phase {
            auditRefusal(of: peer, reason: framesSeen == 0 ? "left before the first frame" : "left without pairing")
        }
        if case .authorised = phase { Task { [core, id] in await core.sessions.disconnected(id) } }
        phase = .closing
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        core.logger.debug("connection failed", metadata: ["peer.address": "\(remote)", "error": "\(error)"])
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            handshakeCompleted(negotiated, context: context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .closing else { return }
        decoder.append(unwrapInboundIn(data))
        if case .opening = phase { return }
        process()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        regulateReads()
        process()
        context.fireChannelWritabilityChanged()
    }

    // MARK: Identity

    private func handshakeCompleted(_ negotiated: String?, context: ChannelHandlerContext) {
        guard phase == .handshaking else { return }
        let wanted = core.settings.alpn
        let isLink = negotiated == wanted || (negotiated == nil && !core.settings.requireALPN)
        guard isLink || negotiated == HealthHandler.alpn else {
            // The TLS library lets a mismatch through as "none negotiated".
            return refuse(nil, reason: "no common application protocol")
        }
        let peer: EndpointID
        do {
            let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
            peer = try EndpointTLS.endpointID(of: certificate.map { [$0] } ?? [])
        } catch {
            return refuse(nil, reason: "\(error)")
        }
        phase = .identifying
        core.ledger.identify(id, as: peer)
        regulateReads()
        arm(seconds: core.limits.firstFrameTimeoutSec)
        run { [core, remote] in
            await core.admit(peer, from: remote)
        } then: { connection, admission in
            connection.identified(peer, admission, isLink: isLink)
        }
    }

    private func identified(_ peer: EndpointID, _ admission: Admittance, isLink: Bool) {
        guard phase == .identifying else {
            // It left meanwhile; who it was is written down all the same.
            if case .unknown = admission { auditRefusal(of: peer, reason: "unauthorized") }
            return
        }
        switch admission {
        case .allowed:
            guard core.ledger.authorise(id, as: peer) else {
                return fail("", .tooMany("more than \(core.limits.maxConnectionsPerPeer) connections of this peer"))
            }
            authorised(peer)
            if !isLink { return becomeHTTP() }
        case .unknown:
            phase = .stranger(peer)
            if !isLink {
                auditRefusal(of: peer, reason: "unauthorized")
                return close()
            }
        case .failed(let error):
            return fail("", error)
        }
        regulateReads()
        process()
    }

    private func authorised(_ peer: EndpointID) {
        phase = .authorised(peer)
        decoder.limit = LinkFrame.maximumLength
        if framesSeen > 0 { armIdle() }
    }

    private func becomeHTTP() {
        guard let context else { return }
        deadline?.cancel()
        let remainder = decoder.takeRemainder()
        do {
            try HealthHandler.install(on: context.pipeline.syncOperations, core: core)
        } catch { return close() }
        if let remainder { context.fireChannelRead(wrapInboundOut(remainder)) }
        resumeReads()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    // MARK: Frames

    private func process() {
        while true {
            switch phase {
            case .handshaking, .identifying, .opening, .closing: return
            case .stranger, .authorised: break
            }
            guard outstanding < core.limits.maxOutstandingRequests, context?.channel.isWritable == true else {
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
            do {
                let envelope = try LinkEnvelope.decode(payload)
                switch phase {
                case .stranger(let peer): stranger(peer, envelope)
                case .authorised(let peer):
                    if framesSeen == 1 { armIdle() }
                    request(peer, envelope)
                case .handshaking, .identifying, .opening, .closing: return
                }
            } catch {
                if case .stranger(let peer) = phase {
                    auditRefusal(of: peer, reason: "malformed frame")
                    return fail(error.requestID, .badRequest(error.message))
                }
                if framesSeen == 1 { armIdle() }
                reply(error.requestID, .error(.badRequest(error.message)))
            }
        }
    }

    private func stranger(_ peer: EndpointID, _ envelope: LinkEnvelope) {
        outstanding += 1
        switch envelope.payload {
        case .pairRequest(let pairing):
            // One token a connection: a guesser pays a handshake for each.
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
                if let hello { return connection.reply(envelope.requestID, .serverHello(hello)) }
                connection.refuseStranger(peer, envelope.requestID)
            }
        default:
            outstanding -= 1
            refuseStranger(peer, envelope.requestID)
        }
    }

    private func refuseStranger(_ peer: EndpointID, _ requestID: String) {
        auditRefusal(of: peer, reason: "unauthorized")
        fail(
            requestID,
            .forbidden("unauthorized: this endpoint does not know \(peer); pair it with a token from `reflector pair`")
        )
    }

    private func paired(_ peer: EndpointID, _ outcome: PairingOutcome, requestID: String) {
        guard phase == .identifying else { return }
        outstanding -= 1
        switch outcome {
        case .paired(let response):
            guard core.ledger.authorise(id, as: peer) else { return close() }
            authorised(peer)
            reply(requestID, .pairResponse(response))
            process()
        case .refused(let message):
            send(LinkEnvelope(requestID: requestID, payload: message))
            close()
        }
    }

    private func request(_ peer: EndpointID, _ envelope: LinkEnvelope) {
        switch envelope.payload {
        case .hello(let hello):
            guard hello.version.split(separator: ".").first == "1" else {
                let message = "version \(hello.version.prefix(16)) is not spoken here, \(Hello.currentVersion) is"
                return reply(envelope.requestID, .error(.badRequest(message)))
            }
            clientFeatures = Set(hello.features.prefix(64))
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
                connection.reply(envelope.requestID, answer)
                connection.process()
            }
        }
    }

    // MARK: Tunnels

    private func openTunnel(_ open: TunnelOpen, peer: EndpointID, requestID: String) {
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

    private func becomeTunnel(_ tunnel: PreparedTunnel, requestID: String) {
        guard case .opening = phase, let context else { return tunnel.abandon() }
        deadline?.cancel()
        // While what comes is still kept here, and before the tunnel has its own say on reading.
        resumeReads()
        phase = .closing
        send(LinkEnvelope(requestID: requestID, payload: .ok))
        let remainder = decoder.takeRemainder()
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

    // MARK: Sending and closing

    private func reply(_ requestID: String, _ message: LinkMessage) {
        send(LinkEnvelope(requestID: requestID, payload: message))
    }

    private func send(_ envelope: LinkEnvelope) {
        guard let context else { return }
        do {
            context.writeAndFlush(wrapOutboundOut(try envelope.frame()), promise: nil)
        } catch {
            core.logger.error("reply could not be encoded", metadata: ["error": "\(error)"])
            close()
        }
    }

    private func fail(_ requestID: String, _ error: LinkError) {
        guard phase != .closing else { return }
        send(LinkEnvelope(requestID: requestID, payload: .error(error)))
        close()
    }

    private func refuse(_ peer: EndpointID?, reason: String) {
        auditRefusal(of: peer, reason: reason)
        close()
    }

    private func close() {
        if case .authorised = phase { Task { [core, id] in await core.sessions.disconnected(id) } }
        phase = .closing
        resumeReads()
        context?.close(promise: nil)
    }

    /// One line for each stranger, whatever it does.
    private func auditRefusal(of peer: EndpointID?, reason: String) {
        guard !refusalAudited else { return }
        refusalAudited = true
        Task { [core, remote] in await core.refused(peer, from: remote, reason: reason) }
    }

    // MARK: Deadlines and back-pressure

    private func arm(seconds: Int) {
        deadline?.cancel()
        guard let eventLoop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        deadline = eventLoop.scheduleTask(in: .seconds(Int64(seconds))) { bound.value.deadlinePassed() }
    }

    private func armIdle() { arm(seconds: core.limits.idleTimeoutSec) }

    private func deadlinePassed() {
        switch phase {
        case .authorised(let peer) where framesSeen > 0:
            // Only the last of many frames counts, so the timer is not moved for each.
            let idle = NIODeadline.now() - lastFrame
            guard idle >= .seconds(Int64(core.limits.idleTimeoutSec)) else {
                let left = core.limits.idleTimeoutSec - Int(idle.nanoseconds / 1_000_000_000)
                return arm(seconds: max(1, left))
            }
            run { [core] in
                await core.governor.activeTest(of: peer) != nil
            } then: { connection, isBusy in
                if isBusy { connection.armIdle() } else { connection.close() }
            }
        case .stranger(let peer):
            refuse(peer, reason: "no pairing within \(core.limits.firstFrameTimeoutSec) s")
        case .handshaking, .identifying, .authorised, .opening:
            close()
        case .closing: break
        }
    }

    /// Stops reading while requests wait for their replies, or the peer does not take them.
    private func regulateReads() {
        guard let channel = context?.channel else { return }
        let isReady: Bool
        switch phase {
        case .identifying, .opening: isReady = false
        case .stranger, .authorised: isReady = outstanding < core.limits.maxOutstandingRequests && channel.isWritable
        case .handshaking, .closing: isReady = true
        }
        guard isReady == readsPaused else { return }
        readsPaused = !isReady
        try? channel.syncOptions?.setOption(.autoRead, value: isReady)
    }

    private func resumeReads() {
        guard readsPaused, let channel = context?.channel else { return }
        readsPaused = false
        try? channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Does `work` off the event loop and comes back with its result, unless the connection is gone by then.
    private func run<Result: Sendable>(
        _ work: @escaping @Sendable () async -> Result,
        then: @escaping @Sendable (LinkConnection, Result) -> Void
    ) {
        guard let eventLoop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        Task {
            let result = await work()
            eventLoop.execute {
                then(bound.value, result)
            }
        }
    }
}
