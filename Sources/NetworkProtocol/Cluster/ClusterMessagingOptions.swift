/// How a cluster's member talks to the others over TCP.
public struct ClusterMessagingOptions: Sendable {
    /// TCP port where messages are taken, on the IP address that the member listens on; told to the others, who use it on the address
    /// where they reach the member. Nil for the number of the UDP port; 0 lets the system choose, as nil does when that port is chosen.
    public var port: UInt16?
    /// Connections that this member opens and keeps, and as many that it takes: 1 to 65 536. When there are as many open and another
    /// member is to be reached, the one that was not used for longest is closed, if one is not in use.
    public var maximumConnections = 256
    /// How the connections behave.
    public var connection = ConnectionOptions()
    /// How long connecting may take, before the handshake begins.
    public var connectTimeout = Duration.seconds(5)
    /// How long sending may wait for a connection and for room; nil for as long as it takes.
    public var sendTimeout: Duration? = .seconds(30)
    /// How long a request waits for a connection and for its reply when it does not say itself.
    public var responseTimeout = Duration.seconds(30)
    /// How long the end of the member waits for requests that are in work.
    public var shutdownTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}
}
