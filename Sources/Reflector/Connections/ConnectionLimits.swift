/// Bounds on what connections may cost: `[limits]` of the configuration.
package struct ConnectionLimits: Sendable, Equatable {
    /// Seconds for the TLS handshake.
    package var handshakeTimeoutSec = 10
    /// Seconds from the handshake to the first frame, and to the end of a stranger's pairing.
    package var firstFrameTimeoutSec = 10
    /// Seconds without a frame after which a connection without a running test is closed.
    package var idleTimeoutSec = 300
    /// Connections of known peers at the same time.
    package var maxConnections = 256
    /// Strangers of one address (IPv6: one /64) at the same time that have shown their key.
    package var maxConnectionsPerAddress = 16
    /// Connections of one authorised peer at the same time: a test with 8 streams in both directions needs 18.
    package var maxConnectionsPerPeer = 32
    /// Requests of one connection that may wait for their reply.
    package var maxOutstandingRequests = 16
    /// Packets a second that a UDP echo answers, for each test.
    package var udpEchoMaxPps = 10_000
    /// Connections that are not authorised, with TLS or without. No key of the configuration: their memory is what bounds them,
    /// and the descriptors that the process has.
    package var maxUnauthorised = 4_608
    /// Bytes of control connections, both ways, that each peer may move a second on average: some requests a second, and 1.4 GB
    /// a day at most. No key of the configuration: no request needs more than a few KiB. Grows with the connections of a test.
    package var controlBytesPerSecond = 16 << 10
    /// Bytes that it may move at once: thousands of requests, or 34 tests of the most streams.
    package var controlBurst = 4 << 20

    package init() {}

    /// Each connection of a test takes its share, so tests of more connections than fit with the limits that are built in get
    /// as much more: as many of them may follow each other, however many streams they have.
    mutating func growControlBudget(forTestsOf connections: Int) {
        let usual = ConnectionLimits()
        guard connections > usual.maxConnectionsPerPeer else { return }
        controlBytesPerSecond = usual.controlBytesPerSecond * connections / usual.maxConnectionsPerPeer
        controlBurst = usual.controlBurst * connections / usual.maxConnectionsPerPeer
    }
}
