/// The options of a pool.
public struct ConnectionPoolOptions: Sendable {
    /// The options of each connection. A pool makes its connections as they are needed: ``ClientOptions/reconnect`` has
    /// no effect here.
    public var client = ClientOptions()
    /// Most connections at once, including those in progress; at least 1.
    public var maximumConnections = 8
    /// Most requests at once on one connection, at least 1; if every connection has as many, another is made. Fewer:
    /// less waiting behind long payloads. More: fewer connections.
    public var maximumRequestsPerConnection = 16
    /// Idle connections to keep, 0 or more; those beyond are closed at once.
    public var maximumIdleConnections = 8
    /// How long an idle connection is kept.
    public var idleTimeout = Duration.seconds(60)
    /// How long ``ConnectionPool/withConnection(_:)`` and ``ConnectionPool/request(_:_:timeout:)`` wait for a
    /// connection, connecting included.
    public var acquireTimeout = Duration.seconds(10)

    public init() {}
}
