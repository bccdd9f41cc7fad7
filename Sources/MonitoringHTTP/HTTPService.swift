package import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import ServerPorts

/// The HTTP service of all tools: health and metrics for monitoring programs. One request per connection; connections,
/// bytes and time are bounded.
///
/// Plain HTTP authenticates no client: bind it to loopback unless the configuration says otherwise, and put no secret
/// on a page.
package enum HTTPService {
    /// Connections of a port; one more closes the oldest.
    package static let maximumConnections = 64
    /// For a request and its answer, from the start of the connection.
    static let patience = TimeAmount.seconds(10)
    /// Most bytes of a request. Monitoring programs send some hundred.
    static let maximumRequestBytes = 16 << 10

    /// Serves `pages` on a port of their own.
    package static func bind(
        host: String,
        port: Int,
        pages: HTTPPages,
        on group: any EventLoopGroup,
        logger: Logger
    ) async throws -> HTTPPort {
        let clients = EvictingPort(capacity: maximumConnections)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: logger) { clients.evictOldest() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    clients.enter(channel)
                    try install(on: channel.pipeline.syncOperations, pages: pages)
                }
            }
            .bind(host: host, port: port)
            .get()
        return HTTPPort(channel: channel, clients: clients)
    }

    /// Serves `pages` on an existing connection, for example inside TLS.
    package static func install(on pipeline: ChannelPipeline.SynchronousOperations, pages: HTTPPages) throws {
        try pipeline.addHandler(RequestBytes(limit: maximumRequestBytes))
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
        try pipeline.addHandler(HTTPPageHandler(pages: pages, patience: patience))
    }
}

/// A port that serves pages, until it is closed.
package struct HTTPPort: Sendable {
    package let channel: any Channel
    let clients: EvictingPort

    package var localAddress: SocketAddress? { channel.localAddress }

    /// Closes the port and all of its connections.
    package func close() async {
        try? await channel.close()
        clients.evictAll()
    }
}

/// Closes a connection that sends more bytes than a request may have.
private final class RequestBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var left: Int

    init(limit: Int) { left = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= unwrapInboundIn(data).readableBytes
        if left < 0 { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }
}
