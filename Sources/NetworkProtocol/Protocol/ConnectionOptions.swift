public import CoreMetrics
public import NIOCore

/// How one connection behaves; both sides choose for themselves.
public struct ConnectionOptions: Sendable {
    /// How messages are written. A daemon answers each peer in the format that the peer used last.
    public var format: MessageFormat = .bincode
    /// Off unless it is asked for: the length of what is compressed tells something about it, so secrets must not be compressed beside
    /// what an attacker may choose.
    public var compression: Compression?
    /// Longest payload of a packet that is sent or accepted, in bytes: from 1 024, which a handshake needs, to
    /// ``PacketHeader/maximumPayloadLength``; beyond them the nearest of the two counts.
    public var maximumPayloadLength = PacketHeader.maximumPayloadLength
    /// Messages that may wait in each direction: requests in work, messages not yet received by the program, messages not yet taken by
    /// the system. Beyond it senders wait and the socket is not read. At least 1.
    public var channelCapacity = 32
    /// How long TLS, or the handshake, or both, may take.
    public var handshakeTimeout = Duration.seconds(10)
    /// After so long without a byte from the peer a ping is sent.
    public var heartbeatInterval = Duration.seconds(30)
    /// After so many intervals without a byte from the peer it counts as dead. At least 1.
    public var missedHeartbeats = 4
    /// How long a packet that has begun may take, beside a second for each 16 KiB of it; and how long a peer may take nothing at all of
    /// what is sent to it.
    public var stallTimeout = Duration.seconds(30)
    /// Counts and measures; nil for the one that the process has bootstrapped swift-metrics with.
    public var metricsFactory: (any MetricsFactory)?
    /// Where connections live; nil for the threads that all of the process shares. It is the program's to shut down, after it has closed
    /// its clients and daemons.
    public var eventLoopGroup: (any EventLoopGroup)?

    public init() {}

    /// A capacity of nothing would let nothing through, and the greatest number could not be added to.
    var effectiveChannelCapacity: Int { min(max(1, channelCapacity), Int(Int32.max)) }

    var effectiveMaximumPayloadLength: Int {
        min(max(maximumPayloadLength, HandshakeLimits.maximumPayloadLength), PacketHeader.maximumPayloadLength)
    }

    /// What is done to payloads that are worth it.
    public struct Compression: Sendable {
        /// What payloads are compressed with; the other side takes any.
        public let algorithm: CompressionAlgorithm
        /// One of the algorithm's ``CompressionAlgorithm/levels``.
        public let level: Int
        /// Payloads of fewer bytes are left as they are.
        public let threshold: Int

        /// - Parameters:
        ///   - level: one of the algorithm's levels, its default without one; another is an error of the caller and traps.
        ///   - threshold: in bytes, not negative.
        public init(_ algorithm: CompressionAlgorithm, level: Int? = nil, threshold: Int = 512) {
            let level = level ?? algorithm.defaultLevel
            precondition(algorithm.levels.contains(level), "\(algorithm) has the levels \(algorithm.levels)")
            precondition(threshold >= 0, "a threshold is a length in bytes")
            self.algorithm = algorithm
            self.level = level
            self.threshold = threshold
        }
    }
}
