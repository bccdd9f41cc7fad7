/// How a pool behaves.
public struct ConnectionPoolOptions: Sendable {
    /// How each connection behaves. A pool makes its connections as they are needed: ``ClientOptions/reconnect`` says nothing here.
    public var client = ClientOptions()
    /// Connections at once, those that are being made included; at least 1.
    public var maximumConnections = 8
    /// Requests at once on one connection, at least 1; when every connection has so many, another is made. Fewer: less waiting behind long
    /// payloads. More: fewer connections.
    public var maximumRequestsPerConnection = 16
    /// Connections that are kept while nobody uses them, 0 or more; those beyond are closed at once.
    public var maximumIdleConnections = 8
    /// How long a connection is kept while nobody uses it.
    public var idleTimeout = Duration.seconds(60)
    /// How long ``ConnectionPool/withConnection(_:)`` and ``ConnectionPool/request(_:_:timeout:)`` wait for a connection, connecting included.
    public var acquireTimeout = Duration.seconds(10)

    public init() {}
}
