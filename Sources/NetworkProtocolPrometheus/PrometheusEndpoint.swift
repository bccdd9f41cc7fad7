public import CoreMetrics
public import Logging
internal import MonitoringHTTP
internal import NIOPosix
internal import NetworkProtocol
internal import PrometheusMetrics
public import ServiceLifecycle

/// The metrics of a program for Prometheus: `GET /metrics` over HTTP, in the text format 0.0.4.
///
///     let endpoint = PrometheusEndpoint(port: 9464)
///     options.connection.metricsFactory = endpoint.metricsFactory      // or
///     MetricsSystem.bootstrap(endpoint.metricsFactory)
///     let group = ServiceGroup(services: [endpoint, daemon], …)
///
/// Plain HTTP authenticates no client, so it listens on loopback unless another host is given: any client that reaches
/// it can read the metrics, and nothing else.
public final class PrometheusEndpoint: Service, Sendable {
    /// Keeps the metrics: for `ConnectionOptions.metricsFactory`, or to bootstrap swift-metrics with.
    public var metricsFactory: any MetricsFactory { registry }

    private let registry = PrometheusRegistry()
    private let host: String
    private let port: Int
    private let logger: Logger
    private let started = Announcement<String>()

    /// - Parameter port: 0 for any free port.
    public init(host: String = "127.0.0.1", port: Int, logger: Logger = Logger(label: "network-protocol.prometheus")) {
        self.host = host
        self.port = port
        self.logger = logger
    }

    /// Where it listens, once it does; nil if it could not, or if the task is canceled.
    public func address() async -> String? { await started.value() }

    /// Answers until a graceful shutdown, or until the task is canceled.
    public func run() async throws {
        defer { started.announce(nil) }
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        guard (0...65_535).contains(port) else { throw DaemonError.noPort(address, port) }
        let served: HTTPPort
        do {
            served = try await HTTPService.bind(
                host: host,
                port: port,
                pages: HTTPPages([
                    (
                        "/metrics",
                        { [registry] in .init(contentType: PrometheusText.contentType, body: registry.text()) }
                    )
                ]),
                on: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            )
        } catch {
            throw DaemonError.listening(address, error)
        }
        let bound = PeerAddress.text(of: served.localAddress)
        started.announce(bound)
        logger.info("serving metrics", metadata: ["url": "http://\(bound)/metrics"])
        try? await gracefulShutdown()
        await served.close()
    }
}
