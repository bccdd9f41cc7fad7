package import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The HTTP of all tools: health and metrics for monitoring programs. One request a connection; connections, bytes and time are bounded.
///
/// HTTP in the clear asks nobody for a name: bind it to loopback unless the configuration says otherwise, and put nothing secret on a page.
package enum HTTPService {
    /// Connections of a port; one more closes the oldest.
    package static let maximumConnections = 64
    /// For a request and the reading of its answer, from the connection's begin.
    static let patience = TimeAmount.seconds(10)
    /// Bytes of a request. Monitoring programs send some hundred.
    static let maximumRequestBytes = 16 << 10

    /// Serves `pages` on a port of their own.
    package static func bind(
        host: String,
        port: Int,
        pages: HTTPPages,
        on group: any EventLoopGroup,
        logger: Logger
    ) async throws -> HTTPPort {
        let crowd = CrowdedPort(places: maximumConnections)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: logger) { crowd.evictOldest() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    crowd.enter(channel)
                    try install(on: channel.pipeline.syncOperations, pages: pages)
                }
            }
            .bind(host: host, port: port)
            .get()
        return HTTPPort(channel: channel, crowd: crowd)
    }

    /// Serves `pages` on a connection that is there already, for example inside TLS.
    package static func install(on pipeline: ChannelPipeline.SynchronousOperations, pages: HTTPPages) throws {
        try pipeline.addHandler(RequestBytes(limit: maximumRequestBytes))
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
        try pipeline.addHandler(HTTPPageHandler(pages: pages, patience: patience))
    }
}

/// A port that serves pages, until it is closed.
package struct HTTPPort: Sendable {
    package let channel: any Channel
    let crowd: CrowdedPort

    package var localAddress: SocketAddress? { channel.localAddress }

    /// Closes the port and every connection of it.
    package func close() async {
        try? await channel.close()
        crowd.evictAll()
    }
}

/// Closes a connection that sends more than a request has.
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
