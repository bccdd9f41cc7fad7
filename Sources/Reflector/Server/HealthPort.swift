internal import NIOCore
internal import NIOPosix
internal import NetworkProtocol

/// The plain HTTP port for monitoring; on loopback unless the configuration says otherwise.
enum HealthPort {
    /// Monitors that may be connected at the same time; the oldest makes room for one more.
    private static let maximumConnections = 64

    static func bind(
        _ core: ReflectorCore,
        host: String,
        port: Int,
        on group: any EventLoopGroup
    ) async throws -> any Channel {
        let crowd = CrowdedPort(places: maximumConnections)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: core.logger))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    crowd.enter(channel)
                    try HealthHandler.install(on: channel.pipeline.syncOperations, core: core)
                }
            }
            .bind(host: host, port: port)
            .get()
    }
}
