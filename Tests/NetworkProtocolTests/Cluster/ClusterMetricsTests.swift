internal import PrometheusMetrics
internal import Testing

@testable import NetworkProtocol

/// A scraper's view of members.
@Suite("Metrics of a cluster", .timeLimit(.minutes(2)))
struct ClusterMetricsTests {
    /// The value of the series; nil if there is none.
    private func value(_ series: String, in registry: PrometheusRegistry) -> Double? {
        let line = registry.text().split(separator: "\n").first { $0.hasPrefix("network_protocol_cluster_\(series) ") }
        return line.flatMap { Double($0.dropFirst("network_protocol_cluster_\(series) ".count)) }
    }

    @Test func `a member counts where the options of its connections say, alone, with another, and when it has ended`()
        async throws
    {
        let (registry, other) = (PrometheusRegistry(), PrometheusRegistry())
        var configuration = try ClusterTests.configuration(1)
        configuration.messaging.connection.metricsFactory = registry
        let first = Cluster(configuration)
        let run = Task { try await first.run() }
        let address = try #require(await first.started()).address
        #expect(value("members{cluster=\"test\"}", in: registry) == 1)

        configuration = try ClusterTests.configuration(2, seeds: ["\(address)"])
        configuration.messaging.connection.metricsFactory = other
        let second = Cluster(configuration)
        let secondRun = Task { try await second.run() }
        try await ClusterTests.wait(first, for: [2])
        try await ClusterTests.wait(second, for: [1])
        for registry in [registry, other] {
            #expect(value("members{cluster=\"test\"}", in: registry) == 2)
            #expect(value("events_total{change=\"joined\",cluster=\"test\"}", in: registry) == 1)
            for name in ["datagrams_total", "bytes_total"] {
                for direction in ["received", "sent"] {
                    let series = "\(name){cluster=\"test\",direction=\"\(direction)\"}"
                    #expect(value(series, in: registry) ?? 0 > 0, "\(series)")
                }
            }
            #expect(value("unsent_total{cluster=\"test\"}", in: registry) == 0)
            #expect(value("refused_total{cluster=\"test\",reason=\"key\"}", in: registry) == 0)
        }
        await second.leave()
        try await secondRun.value
        #expect(value("members{cluster=\"test\"}", in: other) == 0)
        run.cancel()
        _ = await run.result
    }
}
