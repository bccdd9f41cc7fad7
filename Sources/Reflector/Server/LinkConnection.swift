internal import Identity
internal import IdentityCertificates
internal import LinkMeasurement
internal import Logging
internal import MonitoringHTTP
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// One connection to the control port, from the end of its TLS handshake until it closes or becomes a tunnel.
///
///     handshaking ──handshake──▶ identifying ──allow-list──▶ authorized ──tunnel_open──▶ opening ──▶ (tunnel)
///                                     │                          ▲
///                                     └───────▶ stranger ──pair──┘
///
/// Any state goes to `closing` on a deadline, a violation or a refusal. A wrong event is either the peer's violation
/// (answered with `error`, then closed), or late (ignored: the connection is closing).
final class LinkConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase: Equatable {
        case handshaking
        case identifying
        case stranger(EndpointID)
        case authorized(EndpointID)
        case opening(EndpointID)
        case closing
    }

    let core: ReflectorCore
    let id: ConnectionID
    let remote: RemoteEnd
    let socket: LinkSocket
    var phase = Phase.handshaking
    var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLengthUnauthorized)
    var clientFeatures: Set<String> = []
    var outstanding = 0
    var framesSeen = 0
    /// A stranger's refusal has been written to the audit log, or will be.
    var refusalAudited = false
    var deadline: Scheduled<Void>?
    var lastFrame = NIODeadline.now()
    var readsPaused = false
    /// A large frame is being decoded elsewhere; those after it wait.
    var isDecoding = false
    /// The peer has spent its budget of control bytes.
    var isHeldBack = false
    var context: ChannelHandlerContext?

    init(core: ReflectorCore, id: ConnectionID, remote: RemoteEnd, socket: LinkSocket) {
        self.core = core
        self.id = id
        self.remote = remote
        self.socket = socket
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        // Until the handshake is done, the ledger keeps the deadline.
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .stranger(let peer) = phase {
            auditRefusal(of: peer, reason: framesSeen == 0 ? "left before the first frame" : "left without pairing")
        }
        if case .authorized = phase { Task { [core, id] in await core.sessions.disconnected(id) } }
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

    func handshakeCompleted(_ negotiated: String?, context: ChannelHandlerContext) {
        guard phase == .handshaking else { return }
        let wanted = core.settings.alpn
        let isLink = negotiated == wanted || (negotiated == nil && !core.settings.requireALPN)
        guard isLink || negotiated == HealthPages.alpn else {
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

    func identified(_ peer: EndpointID, _ admission: Admittance, isLink: Bool) {
        guard phase == .identifying else {
            // It left meanwhile; its identity is logged all the same.
            if case .unknown = admission { auditRefusal(of: peer, reason: "unauthorized") }
            return
        }
        switch admission {
        case .allowed:
            if let error = authorize(peer) { return fail("", error) }
            if !isLink { return becomeHTTP() }
        case .unknown:
            phase = .stranger(peer)
            core.ledger.markAsStranger(id)
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

    /// Authorizes the connection; returns why it may not be, or nil.
    func authorize(_ peer: EndpointID) -> LinkError? {
        switch core.ledger.authorize(id, as: peer) {
        case .authorized: break
        case .peerIsFull: return .tooMany("more than \(core.limits.maxConnectionsPerPeer) connections of this peer")
        case .full: return .tooMany("known peers hold all \(core.limits.maxConnections) connections; try again later")
        case .gone: return .unavailable("the connection was needed for another")
        }
        socket.becomesControl(of: peer, held: decoder.heldBytes)
        phase = .authorized(peer)
        decoder.limit = LinkFrame.maximumLength
        if framesSeen > 0 { armIdle() }
        return nil
    }

    func becomeHTTP() {
        guard let context else { return }
        deadline?.cancel()
        let remainder = decoder.takeRemainder()
        // Its budget no longer holds it back: it ends when the peer has spent it.
        socket.closes()
        do {
            try HTTPService.install(on: context.pipeline.syncOperations, pages: HealthPages.of(core))
        } catch { return close() }
        if let remainder { context.fireChannelRead(wrapInboundOut(remainder)) }
        resumeReads()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
