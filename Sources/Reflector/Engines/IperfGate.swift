internal import NIOCore
internal import NIOPosix
internal import PacketIO

/// The public port of a direct iperf3 test over TCP. iperf3 itself listens on loopback: only connections from the peer's
/// address reach it, every byte is counted as it passes, and nobody else's bytes ever meet its parser.
final class IperfGate: Sendable {
    let port: Int
    private let listener: any Channel

    private init(listener: any Channel, port: Int) {
        self.listener = listener
        self.port = port
    }

    static func open(
        for session: LiveSession,
        address: String,
        ports: ClosedRange<Int>,
        iperfPort: Int
    ) async throws -> IperfGate {
        guard let peer = InternetHost(session.peerAddress) else { throw ChannelError.unknownLocalAddress }
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel).self)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let remote = RemoteEnd(channel), remote.address.host == peer,
                        session.openTunnel(channel, wish: nil) != nil
                    else { throw ChannelError.alreadyClosed }
                    try TunnelBuffers.tune(channel)
                    continuation.yield(channel)
                }
            }
        var opened: (any Channel)?
        for port in ports {
            if let channel = try? await bootstrap.bind(host: address, port: port).get() {
                opened = channel
                break
            }
        }
        guard let listener = opened else {
            continuation.finish()
            throw IperfServer.Failure.noFreePort(ports)
        }
        // One after the other: iperf3 tells its senders from its receivers by the order in which they connect.
        Task {
            for await channel in accepted {
                do {
                    try await PreparedTunnel.make(.iperf(session, port: iperfPort), on: channel, packetsPerSecond: 0)
                        .installed(on: channel)
                } catch {
                    channel.close(promise: nil)
                }
            }
        }
        listener.closeFuture.whenComplete { _ in continuation.finish() }
        return IperfGate(listener: listener, port: listener.localAddress?.port ?? 0)
    }

    func close() async { try? await listener.close() }
}

extension PreparedTunnel {
    /// Installs on the channel's event loop.
    fileprivate func installed(on channel: any Channel) async throws {
        try await channel.eventLoop.submit { try self.install(on: channel) }.get()
    }
}
