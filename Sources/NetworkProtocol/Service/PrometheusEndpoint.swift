public import CoreMetrics
public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Operations
public import ServiceLifecycle

/// The metrics of a program where Prometheus fetches them: `GET /metrics` over HTTP, in the text format 0.0.4.
///
///     let endpoint = PrometheusEndpoint(port: 9464)
///     options.connection.metricsFactory = endpoint.metricsFactory      // or MetricsSystem.bootstrap(endpoint.metricsFactory)
///     let group = ServiceGroup(services: [endpoint, daemon], …)
///
/// HTTP is in the clear and asks nobody who they are, so it listens on loopback unless another host is given: whoever reaches it reads the
/// metrics, and nothing else.
public final class PrometheusEndpoint: Service, Sendable {
    /// Scrapers at once; one more, and the oldest is closed.
    private static let maximumConnections = 64
    /// How long a scraper may take to ask and to read.
    private static let patience = TimeAmount.seconds(10)

    /// Keeps what is measured with it: for ``ConnectionOptions/metricsFactory``, or to bootstrap swift-metrics with.
    public var metricsFactory: any MetricsFactory { registry }

    private let registry = PrometheusRegistry()
    private let host: String
    private let port: Int
    private let logger: Logger
    private let started = Announcement<String>()

    /// - Parameter port: 0 for any that is free.
    public init(host: String = "127.0.0.1", port: Int, logger: Logger = Logger(label: "network-protocol.prometheus")) {
        self.host = host
        self.port = port
        self.logger = logger
    }

    /// Where it listens, once it does; nil when it could not, or the task is canceled.
    public func address() async -> String? { await started.value() }

    /// Answers until a graceful shutdown, or until the task is cancelled.
    public func run() async throws {
        defer { started.tell(nil) }
        let scrapers = DaemonConnections(limit: Self.maximumConnections)
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        guard (0...65_535).contains(port) else { throw DaemonError.noPort(address, port) }
        let channel: any Channel
        do {
            channel = try await bootstrap(scrapers).bind(host: host, port: port).get()
        } catch {
            throw DaemonError.listening(address, error)
        }
        let bound = PeerAddress.text(of: channel.localAddress)
        started.tell(bound)
        logger.info("serving metrics", metadata: ["url": "http://\(bound)/metrics"])
        try? await gracefulShutdown()
        try? await channel.close()
        scrapers.cutAll()
    }

    private func bootstrap(_ scrapers: DaemonConnections) -> ServerBootstrap {
        let (registry, logger) = (registry, logger)
        return ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pause = AcceptPause(logger: logger) { scrapers.makeRoom() }
                    try channel.pipeline.syncOperations.addHandler(pause)
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let id = scrapers.enter(channel) else { throw ChannelError.alreadyClosed }
                    channel.closeFuture.whenComplete { _ in scrapers.closed(id) }
                    channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try channel.pipeline.syncOperations.addHandler(MetricsHandler(registry))
                }
            }
    }
}

/// One request, one answer, close.
private final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let registry: PrometheusRegistry
    private var isAnswered = false

    init(_ registry: PrometheusRegistry) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        let path = head.uri.prefix { $0 != "?" }
        let (status, body): (HTTPResponseStatus, String) =
            switch (head.method, path) {
            case (.GET, "/metrics"), (.HEAD, "/metrics"): (.ok, registry.text())
            case (_, "/metrics"): (.methodNotAllowed, "GET /metrics\n")
            default: (.notFound, "there is /metrics\n")
            }
        var headers = HTTPHeaders([
            ("content-type", status == .ok ? PrometheusText.contentType : "text/plain; charset=utf-8"),
            ("content-length", "\(body.utf8.count)"), ("connection", "close"),
        ])
        if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
            promise: nil
        )
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
