/// How a daemon behaves.
public struct DaemonOptions: Sendable {
    /// How each connection behaves.
    public var connection = ConnectionOptions()
    /// Connections at once. When there are as many, one that is still in its handshake makes room, the oldest first; when there is none,
    /// the newcomer is refused.
    public var maximumConnections = 1_000
    /// How long a shutdown waits for what is in work; then connections are cut.
    public var shutdownTimeout = Duration.seconds(30)

    public init() {}
}
