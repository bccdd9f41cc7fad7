internal import LinkMeasurement
internal import NIOCore
internal import NIOPosix
internal import PacketIO
internal import SystemErrors

/// The public port of a direct iperf3 test. iperf3 itself listens on loopback: only connections and datagrams from the
/// peer's address reach it, every byte is counted as it passes, and iperf3 never parses bytes from another host.
final class IperfGate: Sendable {
    /// Time for a connection's first bytes.
    static let cookieTime = TimeAmount.seconds(2)

    /// Bytes to read at a time before a connection is admitted: iperf3's cookie and what follows at once.
    private static let firstRead = 1 << 10

    let port: Int
    private let listener: any Channel
    private let slots: GateSlots
    /// Carries the datagrams of a UDP test.
    private let relay: DatagramRelay?

    private init(listener: any Channel, slots: GateSlots, relay: DatagramRelay?) {
        self.listener = listener
        self.slots = slots
        self.relay = relay
        self.port = listener.localAddress?.port ?? 0
    }

    private struct Sockets: ~Copyable {
        let listener: SocketDescriptor
        let relay: DatagramRelay?
    }

    /// On the first free port of the range, for UDP as well if the test needs it.
    static func open(
        for session: LiveSession,
        address: String,
        ports: ClosedRange<Int>,
        iperfPort: Int
    ) async throws -> IperfGate {
        let target = try DirectAddress(for: session, address: address, ports: ports)
        let isUDP = session.params.transport == .udp
        let sockets = try Socket.first(on: target.local, ports: target.ports) { (address) throws(SystemError) in
            let listener = try Socket.listenTCP(address)
            let relay = isUDP ? try datagramRelay(for: session, on: address, target.peer, iperfPort) : nil
            return Sockets(listener: listener, relay: relay)
        }
        let relay = sockets.relay
        do {
            return try await serve(session, sockets, target.peer, iperfPort)
        } catch {
            relay?.shutdown()
            throw error
        }
    }

    /// Streams of the test, both directions together.
    private static func flows(of session: LiveSession) -> Int {
        session.streams * (session.params.bidirectional == true ? 2 : 1)
    }

    private static func datagramRelay(
        for session: LiveSession,
        on address: InternetAddress,
        _ peer: InternetHost,
        _ iperfPort: Int
    ) throws(SystemError) -> DatagramRelay {
        let directions: Set<StreamPreface.Direction> =
            session.params.bidirectional == true ? [.up, .down] : [session.params.reverse == true ? .down : .up]
        let mayContinue = { @Sendable (verdict: TunnelMeter.Verdict) -> Bool in
            switch verdict {
            case .go: true
            case .wait: session.waitForAccounts()
            case .stop: false
            }
        }
        return try DatagramRelay(
            Socket.bindUDP(address),
            to: InternetAddress(.loopbackIPv4, port: UInt16(clamping: iperfPort)),
            permit: RelayPermit(peer: peer, flows: flows(of: session), directions: directions),
            count: { bytes, direction in mayContinue(session.record(bytes, direction == .up ? .up : .down)) },
            refuse: { bytes in mayContinue(session.recordRefused(bytes)) }
        )
    }

    private static func serve(
        _ session: LiveSession,
        _ sockets: consuming Sockets,
        _ peer: InternetHost,
        _ iperfPort: Int
    ) async throws -> IperfGate {
        // iperf3's control connection, and over TCP its streams.
        let slots = GateSlots(1 + (sockets.relay == nil ? flows(of: session) : 0))
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel, EventLoopFuture<ByteBuffer>).self)
        let relay = sockets.relay
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Until it is admitted, only a connection's first bytes are read.
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: firstRead))
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let remote = RemoteEnd(channel), remote.address.host == peer, slots.arrive(channel)
                    else { throw ChannelError.alreadyClosed }
                    let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
                    let handler = CookieHandler(patience: cookieTime, promise: promise)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    continuation.yield((channel, promise.futureResult))
                }
            }
            .withBoundSocket(sockets.listener.release())
            .get()
        // One after the other: iperf3 distinguishes senders and receivers by the order in which they connect.
        Task {
            for await (channel, cookie) in accepted {
                do {
                    let first = try await cookie.get()
                    guard slots.enter(channel) else {
                        _ = session.record(first.readableBytes, .up)
                        throw ChannelError.alreadyClosed
                    }
                    let tunnel = try await PreparedTunnel.make(
                        .iperf(session, port: iperfPort),
                        on: channel,
                        packetsPerSecond: 0
                    )
                    do {
                        try await tunnel.installed(on: channel, after: first)
                    } catch {
                        // No handler would close the connection to iperf3 otherwise.
                        tunnel.abandon()
                        throw error
                    }
                } catch {
                    channel.close(promise: nil)
                }
            }
        }
        listener.closeFuture.whenComplete { _ in continuation.finish() }
        return IperfGate(listener: listener, slots: slots, relay: relay)
    }

    /// Closes the port and its connections; all bytes are counted when it returns.
    func close() async {
        try? await listener.close()
        await slots.close()
        relay?.shutdown()
    }
}

extension PreparedTunnel {
    /// Installs itself on the channel's event loop, and delivers the held bytes first.
    fileprivate func installed(on channel: any Channel, after first: ByteBuffer) async throws {
        try await channel.eventLoop.flatSubmit { () -> EventLoopFuture<Void> in
            do {
                let pipeline = channel.pipeline.syncOperations
                return pipeline.removeHandler(try pipeline.handler(type: CookieHandler.self)).flatMapThrowing {
                    try self.install(on: channel)
                    channel.pipeline.fireChannelRead(first)
                    channel.pipeline.fireChannelReadComplete()
                }
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }.get()
    }
}
