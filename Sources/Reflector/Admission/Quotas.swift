package import LinkMeasurement

/// What a peer may do here: the `[quotas]` of seed 000, with its defaults.
package struct Quotas: Sendable, Equatable {
    /// Longest single test in seconds.
    package var maxTestDurationSec = 60
    /// Tests that run at the same time, all peers together.
    package var maxConcurrentTests = 1
    /// Tests of one peer in a rolling hour.
    package var maxTestsPerHourPerPeer = 10
    /// Bytes of one peer in a day (UTC), both directions together.
    package var maxBytesPerDayPerPeer = 5_000_000_000
    /// Seconds between the end of a peer's test and its next.
    package var cooldownSec = 5
    package var allowUDPEcho = true
    package var allowThroughput = true
    /// Most parallel streams in each direction (`iperf3.max_streams`).
    package var maxStreams = 8
    /// Streams when a peer asks for none (`iperf3.default_streams`).
    package var defaultStreams = 4
    /// Bytes that a test is charged ahead at once. No key of the configuration: a smaller one shows at any speed what happens
    /// between two instalments.
    package var instalment = Governor.instalment

    package init() {}

    package var allowedTestTypes: [TestType] {
        TestType.allCases.filter(allows)
    }

    func allows(_ type: TestType) -> Bool {
        switch type {
        case .throughput: allowThroughput
        case .udpEcho: allowUDPEcho
        }
    }
}
