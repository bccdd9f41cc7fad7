/// How a daemon behaves.
public struct DaemonOptions: Sendable {
    /// How each connection behaves.
    public var connection = ConnectionOptions()
    /// Connections at once. When there are as many, one that is still in its handshake makes room, the oldest first; when there is none,
    /// the newcomer is refused. One that has ended keeps its place until its handlers have returned.
    public var maximumConnections = 1_000
    /// Messages of all connections that may be in work at once. A message is in work until its handler has returned, whether its connection
    /// still stands or not. When there are as many, no socket is read. At least 1.
    public var maximumMessagesInWork = 8_192
    /// Bytes of these messages, and one message more for each event loop. At least 1.
    public var maximumBytesInWork = 256 << 20
    /// Messages of one peer that may be in work at once, on all its connections and on those it had; beyond it its sockets are not read. A peer is
    /// known by the key or certificate that it proved, by its user on a Unix socket, or else by the address that it comes from (of IPv6:
    /// the first 64 bits). At least 1.
    public var maximumMessagesInWorkOfPeer = 1_024
    /// Bytes of these messages, and one message more for each event loop. At least 1.
    public var maximumBytesInWorkOfPeer = 64 << 20
    /// How long a shutdown waits for what is in work; then connections are cut.
    public var shutdownTimeout = Duration.seconds(30)

    public init() {}

    var workBudget: WorkBudget {
        WorkBudget(
            all: WorkLimit(messages: maximumMessagesInWork, bytes: maximumBytesInWork),
            ofPeer: WorkLimit(messages: maximumMessagesInWorkOfPeer, bytes: maximumBytesInWorkOfPeer)
        )
    }
}
