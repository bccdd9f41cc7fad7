/// How one connection behaves; both sides choose for themselves.
public struct ConnectionOptions: Sendable {
    /// How messages are written. A daemon answers each peer in the format that the peer used last.
    public var format: MessageFormat = .bincode
    /// Off unless it is asked for: the length of what is compressed tells something about it, so secrets must not be compressed beside
    /// what an attacker may choose.
    public var compression: Compression?
    /// Longest payload of a packet that is sent or accepted, in bytes, at most ``PacketHeader/maximumPayloadLength``.
    public var maximumPayloadLength = PacketHeader.maximumPayloadLength
    /// Messages that may wait in each direction: requests in work, messages not yet received by the program, messages not yet taken by
    /// the system. Beyond it senders wait and the socket is not read.
    public var channelCapacity = 32
    /// How long TLS, or the handshake, or both, may take.
    public var handshakeTimeout = Duration.seconds(10)
    /// After so long without a byte from the peer a ping is sent.
    public var heartbeatInterval = Duration.seconds(30)
    /// After so many intervals without a byte from the peer it counts as dead.
    public var missedHeartbeats = 4
    /// How long a packet that has begun may take, beside a second for each 16 KiB of it; and how long a peer may take nothing at all of
    /// what is sent to it.
    public var stallTimeout = Duration.seconds(30)

    public init() {}

    /// What is done to payloads that are worth it.
    public struct Compression: Sendable {
        public enum Algorithm: String, Sendable, CaseIterable {
            /// Fast.
            case lz4
            /// Small.
            case zstd
        }

        public var algorithm: Algorithm
        /// 1 to 22 for Zstandard; for LZ4 nothing.
        public var level: Int
        /// Payloads of fewer bytes are left as they are (seed 003: 512).
        public var threshold: Int

        public init(_ algorithm: Algorithm, level: Int = 3, threshold: Int = 512) {
            self.algorithm = algorithm
            self.level = level
            self.threshold = threshold
        }
    }
}
