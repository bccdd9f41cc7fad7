/// How a cluster member exchanges messages with the others over TCP.
public struct ClusterMessagingOptions: Sendable {
    /// TCP port for incoming messages, on the IP address that the member listens on. It is announced to the others,
    /// which use it on the address where they reach the member. Nil for the number of the UDP port; 0 lets the system
    /// choose, as nil does if that port is chosen.
    public var port: UInt16?
    /// Connections that this member opens and keeps, and as many that it accepts: 1 to 65 536. If that many are open
    /// and another member is to be reached, the least recently used one is closed, if one is idle.
    public var maximumConnections = 256
    /// How the connections behave.
    public var connection = ConnectionOptions()
    /// How long connecting may take, before the handshake begins.
    public var connectTimeout = Duration.seconds(5)
    /// How long sending may wait for a connection and for room; nil for as long as it takes.
    public var sendTimeout: Duration? = .seconds(30)
    /// How long a request waits for a connection and for its reply if it does not say itself.
    public var responseTimeout = Duration.seconds(30)
    /// How long the end of the member waits for requests in progress.
    public var shutdownTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}
}
