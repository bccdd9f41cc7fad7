internal import Identity
internal import IdentityCertificates
internal import LinkMeasurement
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NetworkProtocol
internal import PacketIO
internal import ServerPorts

/// The listening side of Paramedic Link: TLS 1.3 with mutual authentication on one TCP port.
enum ControlPort {
    /// Connections that the kernel queues until they are accepted: a flood of thousands a second must not fill the
    /// queue while an event loop is busy. The kernel's own limit, net.core.somaxconn, is 4 096 as well.
    private static let backlog: Int32 = 4_096
    /// Connections to accept in a row before the event loop serves the others.
    private static let acceptsPerRound: UInt = 16

    static func bind(
        _ core: ReflectorCore,
        host: String,
        port: Int,
        on group: any EventLoopGroup
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.maxMessagesPerRead, value: acceptsPerRound)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: core.logger) { core.ledger.evictOldest() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: LinkSocket.silentReadSize)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, core: core) }
            }
            .bind(host: host, port: port)
            .get()
    }

    private static func prepare(_ channel: any Channel, core: ReflectorCore) throws {
        guard let remote = RemoteEnd(channel) else { throw ChannelError.unknownLocalAddress }
        let id = ConnectionID.next()
        core.ledger.enter(id, from: remote.address.host, channel: channel)
        channel.closeFuture.whenComplete { _ in core.ledger.leave(id) }
        let socket = LinkSocket(id: id, ledger: core.ledger, budgets: core.budgets) { channel, socket in
            try channel.pipeline.syncOperations.addHandlers(
                tls(core, remote),
                LinkConnection(core: core, id: id, remote: remote, socket: socket)
            )
        }
        try channel.pipeline.syncOperations.addHandlers(AbruptClose(), socket)
    }

    private static func tls(_ core: ReflectorCore, _ remote: RemoteEnd) -> NIOSSLServerHandler {
        NIOSSLServerHandler(
            context: core.identity.current.context,
            customVerificationCallback: { certificates, promise in
                do {
                    _ = try EndpointTLS.endpointID(of: certificates)
                    promise.succeed(.certificateVerified)
                } catch {
                    // The certificate identifies no key, or two: a decision, so it is logged.
                    Task { await core.refused(nil, from: remote, reason: "\(error)") }
                    promise.succeed(.failed)
                }
            },
            configuration: .init()
        )
    }
}
