internal import CoreMetrics
internal import Metrics

/// A cluster member's counters, under swift-metrics names that start with `network_protocol_cluster_`.
/// Docs/NETWORK-PROTOCOL.md has a table of all.
struct ClusterMetrics: Sendable {
    private let name: String
    private let factory: any MetricsFactory
    private let members: Gauge
    private let received: Counter
    private let sent: Counter
    private let bytesReceived: Counter
    private let bytesSent: Counter
    private let unsent: Counter
    /// By reason. Anyone can cause refused datagrams, as fast as the network allows: each costs only an addition.
    private let refused: [String: Counter]

    /// - Parameter factory: nil for the bootstrapped one.
    init(cluster: String, factory: (any MetricsFactory)? = nil) {
        name = cluster
        let factory = factory ?? MetricsSystem.factory
        self.factory = factory
        func counter(_ name: String, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(
                label: "network_protocol_cluster_\(name)",
                dimensions: [("cluster", cluster)] + dimensions,
                factory: factory
            )
        }
        let received = [("direction", "received")]
        let sent = [("direction", "sent")]
        members = Gauge(
            label: "network_protocol_cluster_members",
            dimensions: [("cluster", cluster)],
            factory: factory
        )
        self.received = counter("datagrams_total", received)
        self.sent = counter("datagrams_total", sent)
        bytesReceived = counter("bytes_total", received)
        bytesSent = counter("bytes_total", sent)
        unsent = counter("unsent_total")
        refused = Dictionary(
            uniqueKeysWithValues: (SwimDatagramError.reasons + [Self.noMessage]).map { reason in
                (reason, counter("refused_total", [("reason", reason)]))
            }
        )
    }

    func accepted(bytes: Int) {
        received.increment()
        bytesReceived.increment(by: bytes)
    }

    /// - Parameter reason: one of ``SwimDatagramError/reasons``, or ``noMessage``.
    func refused(_ reason: String) { refused[reason]?.increment() }

    /// The reason for authentic datagrams without a message.
    static let noMessage = "message"

    func sent(bytes: Int) {
        sent.increment()
        bytesSent.increment(by: bytes)
    }

    /// A datagram that this machine could not send.
    func failedToSend() { unsent.increment() }

    /// - Parameter count: members that are alive or suspect, this one included; 0 when it is no longer a member.
    func has(members count: Int) { members.record(count) }

    func changed(_ change: MembershipEvent.Change, members count: Int) {
        has(members: count)
        Counter(
            label: "network_protocol_cluster_events_total",
            dimensions: [("cluster", name), ("change", "\(change)")],
            factory: factory
        ).increment()
    }
}
