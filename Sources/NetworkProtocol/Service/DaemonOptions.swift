/// The options of a daemon.
public struct DaemonOptions: Sendable {
    /// How each connection behaves.
    public var connection = ConnectionOptions()
    /// Most connections at once. At the limit, the oldest connection in its handshake makes room; if there is none, the
    /// new one is refused. One that has ended keeps its slot until its handlers have returned.
    public var maximumConnections = 1_000
    /// Messages of all connections that may be in progress at once. A message is in progress until its handler has
    /// returned, even if its connection has ended. At the limit, no socket is read. At least 1.
    public var maximumMessagesInWork = 8_192
    /// Bytes of these messages, plus one message for each event loop. At least 1.
    public var maximumBytesInWork = 256 << 20
    /// Messages of one peer that may be in progress at once, on all its current and former connections; beyond that its
    /// sockets are not read. A peer is identified by the key or certificate that it proved, by its user on a Unix
    /// socket, or else by its address (for IPv6: the first 64 bits). At least 1.
    public var maximumMessagesInWorkOfPeer = 1_024
    /// Bytes of these messages, plus one message for each event loop. At least 1.
    public var maximumBytesInWorkOfPeer = 64 << 20
    /// How long a shutdown waits for work in progress; then connections are cut.
    public var shutdownTimeout = Duration.seconds(30)

    public init() {}

    var workBudget: WorkBudget {
        WorkBudget(
            all: WorkLimit(messages: maximumMessagesInWork, bytes: maximumBytesInWork),
            ofPeer: WorkLimit(messages: maximumMessagesInWorkOfPeer, bytes: maximumBytesInWorkOfPeer)
        )
    }
}
