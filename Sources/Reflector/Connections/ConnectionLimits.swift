/// Limits on the cost of connections: `[limits]` of the configuration.
package struct ConnectionLimits: Sendable, Equatable {
    /// Seconds for the TLS handshake.
    package var handshakeTimeoutSec = 10
    /// Seconds from the handshake to the first frame, and to the end of a stranger's pairing.
    package var firstFrameTimeoutSec = 10
    /// Seconds without a frame after which a connection without a running test is closed.
    package var idleTimeoutSec = 300
    /// Concurrent connections of known peers.
    package var maxConnections = 256
    /// Concurrent strangers of one address (IPv6: one /64) that have shown their key.
    package var maxConnectionsPerAddress = 16
    /// Concurrent connections of one authorized peer: a test with 8 streams in both directions needs 18.
    package var maxConnectionsPerPeer = 32
    /// Requests of one connection that may wait for their reply.
    package var maxOutstandingRequests = 16
    /// Packets a second that a UDP echo answers, per test.
    package var udpEchoMaxPps = 10_000
    /// Unauthorized connections, with or without TLS. No key of the configuration: their memory and the descriptors of
    /// the process bound them.
    package var maxUnauthorized = 4_608
    /// Bytes of control connections, both directions, that each peer may move per second on average: some requests a
    /// second, and at most 1.4 GB a day. No key of the configuration: no request needs more than a few KiB. Grows with
    /// the connections of a test.
    package var controlBytesPerSecond = 16 << 10
    /// Bytes at once: thousands of requests, or 34 tests with the most streams.
    package var controlBurst = 4 << 20

    package init() {}

    /// Each connection of a test takes its share. Tests with more connections than the built-in limits allow for get as
    /// much more, so that the same number of tests may follow each other, however many streams they have.
    mutating func growControlBudget(forTestsOf connections: Int) {
        let usual = ConnectionLimits()
        guard connections > usual.maxConnectionsPerPeer else { return }
        controlBytesPerSecond = usual.controlBytesPerSecond * connections / usual.maxConnectionsPerPeer
        controlBurst = usual.controlBurst * connections / usual.maxConnectionsPerPeer
    }
}
