package import LinkMeasurement

/// What a peer may do here: `[quotas]` of the configuration, with its defaults.
package struct Quotas: Sendable, Equatable {
    /// Longest single test in seconds.
    package var maxTestDurationSec = 60
    /// Concurrent tests of all peers together.
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
    /// Streams if a peer requests none (`iperf3.default_streams`).
    package var defaultStreams = 4
    /// Bytes charged ahead at a time. No key of the configuration; tests use a smaller one to see what happens between
    /// two installments at any speed.
    package var installment = Governor.installment

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
