public import CoreMetrics
public import NIOCore

/// How one connection behaves; each side chooses for itself.
public struct ConnectionOptions: Sendable {
    /// How messages are encoded. A daemon answers each peer in the format that the peer used last.
    public var format: MessageFormat = .bincode
    /// Off by default: the length of compressed data reveals something about its content. So secrets must not be
    /// compressed together with data that an attacker may choose.
    public var compression: Compression?
    /// Longest payload of a packet that is sent or accepted, in bytes: from 1 024, which a handshake needs, to
    /// ``PacketHeader/maximumPayloadLength``. Values outside the range are clamped.
    public var maximumPayloadLength = PacketHeader.maximumPayloadLength
    /// Messages that may wait in each direction: requests in progress, messages that the program has not received,
    /// messages that the system has not taken. Beyond that, senders wait and the socket is not read. At least 1.
    public var channelCapacity = 32
    /// How long TLS, the handshake, or both together may take.
    public var handshakeTimeout = Duration.seconds(10)
    /// A ping is sent after this time without a byte from the peer.
    public var heartbeatInterval = Duration.seconds(30)
    /// The peer counts as dead after this many intervals without a byte from it. At least 1.
    public var missedHeartbeats = 4
    /// How long a partial packet may take, plus a second for each 16 KiB of it; and how long a peer may read nothing of
    /// what is sent to it.
    public var stallTimeout = Duration.seconds(30)
    /// Where metrics go; nil for the factory that the process has bootstrapped swift-metrics with.
    public var metricsFactory: (any MetricsFactory)?
    /// The event loops of connections; nil for the threads that the whole process shares. The program shuts its group
    /// down itself, after it has closed its clients and daemons.
    public var eventLoopGroup: (any EventLoopGroup)?

    public init() {}

    /// A capacity of 0 would let nothing through, and the greatest integer could not be added to.
    var effectiveChannelCapacity: Int { min(max(1, channelCapacity), Int(Int32.max)) }

    var effectiveMaximumPayloadLength: Int {
        min(max(maximumPayloadLength, HandshakeLimits.maximumPayloadLength), PacketHeader.maximumPayloadLength)
    }

    /// How payloads are compressed.
    public struct Compression: Sendable {
        /// The algorithm for sent payloads; the other side accepts any.
        public let algorithm: CompressionAlgorithm
        /// One of the algorithm's ``CompressionAlgorithm/levels``.
        public let level: Int
        /// Shorter payloads are not compressed; in bytes.
        public let threshold: Int

        /// - Parameters:
        ///   - level: one of the algorithm's levels, by default its default; any other is a programming error and
        ///     traps.
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
