internal import Identity
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NetworkProtocol
internal import PacketIO

/// The listening side of Paramedic Link: TLS 1.3 with mutual authentication on one TCP port.
enum ControlPort {
    /// Connections that the kernel holds until they are accepted.
    private static let backlog: Int32 = 512
    /// Data of one peer that waits in a handshake or a control connection; tunnels get their own sizes.
    private static let readSize = 16 << 10

    static func bind(
        _ core: ReflectorCore,
        host: String,
        port: Int,
        on group: any EventLoopGroup
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: core.logger) { core.ledger.evictOldest() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readSize))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, core: core) }
            }
            .bind(host: host, port: port)
            .get()
    }

    private static func prepare(_ channel: any Channel, core: ReflectorCore) throws {
        guard let remote = RemoteEnd(channel) else { throw ChannelError.unknownLocalAddress }
        let id = ConnectionID.next()
        guard core.ledger.enter(id, from: remote.address.host, channel: channel) else {
            core.logger.debug("connection refused, too many are open", metadata: ["peer.address": "\(remote)"])
            throw ChannelError.alreadyClosed
        }
        channel.closeFuture.whenComplete { _ in core.ledger.leave(id) }
        let tls = NIOSSLServerHandler(
            context: core.identity.current.context,
            customVerificationCallback: { certificates, promise in
                do {
                    _ = try EndpointTLS.endpointID(of: certificates)
                    promise.succeed(.certificateVerified)
                } catch {
                    // The certificate does not say who this is, or says two things: a decision, so it is written down.
                    Task { await core.refused(nil, from: remote, reason: "\(error)") }
                    promise.succeed(.failed)
                }
            },
            configuration: .init()
        )
        try channel.pipeline.syncOperations.addHandlers(
            AbruptClose(),
            tls,
            LinkConnection(core: core, id: id, remote: remote)
        )
    }
}
