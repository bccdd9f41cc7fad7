internal import Identity
internal import IdentityCertificates
internal import NIOCore
internal import NIOSSL

extension ConnectionHandler {
    /// The connection is open; passes it to the program.
    func open(peer: Peer) {
        guard let context else { return }
        setTimer()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let connection = Connection(
            peer: peer,
            outbox: outbox,
            inbox: inbox,
            inFlight: inFlight,
            channel: context.channel,
            metrics: setup.metrics,
            turn: turnNow,
            finish: { eventLoop.execute { bound.value.finish(.closed) } }
        )
        keep(connection)
        account = setup.service?.handlers.budget.account(of: WorkBudget.Key(peer, from: context.channel.remoteAddress))
        setup.metrics.connectionOpened()
        if !setup.isPlain { setup.metrics.handshakeSucceeded() }
        setup.opened(.success(connection))
        guard let opened = setup.service?.handlers.dispatcher.opened else { return }
        account?.begin(bytes: 0)
        startedWork()?.put(ConnectionWork.Job(bytes: 0, isDue: true) { await opened(connection) })
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
        // A resumed session has the certificate of its first handshake; only that handshake verified the certificate's
        // dates.
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
        guard case .opened = core.completedTLS(now: .now) else { return }
        open(peer: peer)
    }

    // MARK: Identity of the peer

    func plainPeer(_ context: ChannelHandlerContext, endpointID: EndpointID? = nil) -> Peer {
        Peer(
            endpointID: endpointID,
            certificatePin: nil,
            credentials: UnixPeer.credentials(of: context.channel),
            address: PeerAddress.text(of: context.channel)
        )
    }

    private func tlsPeer(_ context: ChannelHandlerContext) -> Peer {
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
