internal import Metrics

/// What a cluster's member counts, under swift-metrics names that begin with `network_protocol_cluster_`.
struct ClusterMetrics: Sendable {
    private let name: String
    private let members: Gauge
    private let received: Counter
    private let sent: Counter
    private let bytesReceived: Counter
    private let bytesSent: Counter
    private let unsent: Counter
    /// By reason. Anybody can have datagrams refused, as fast as the network goes: each costs an addition only.
    private let refused: [String: Counter]

    init(cluster: String) {
        name = cluster
        let cluster = [("cluster", cluster)]
        let received = cluster + [("direction", "received")]
        let sent = cluster + [("direction", "sent")]
        members = Gauge(label: "network_protocol_cluster_members", dimensions: cluster)
        self.received = Counter(label: "network_protocol_cluster_datagrams_total", dimensions: received)
        self.sent = Counter(label: "network_protocol_cluster_datagrams_total", dimensions: sent)
        bytesReceived = Counter(label: "network_protocol_cluster_bytes_total", dimensions: received)
        bytesSent = Counter(label: "network_protocol_cluster_bytes_total", dimensions: sent)
        unsent = Counter(label: "network_protocol_cluster_unsent_total", dimensions: cluster)
        refused = Dictionary(
            uniqueKeysWithValues: (SwimDatagramError.reasons + [Self.noMessage]).map { reason in
                let dimensions = cluster + [("reason", reason)]
                return (reason, Counter(label: "network_protocol_cluster_refused_total", dimensions: dimensions))
            }
        )
    }

    func accepted(bytes: Int) {
        received.increment()
        bytesReceived.increment(by: bytes)
    }

    /// - Parameter reason: one of ``SwimDatagramError/reasons``, or ``noMessage``.
    func refused(_ reason: String) { refused[reason]?.increment() }

    /// The reason for authentic datagrams that hold no message.
    static let noMessage = "message"

    func sent(bytes: Int) {
        sent.increment()
        bytesSent.increment(by: bytes)
    }

    /// A datagram that this machine could not send.
    func failedToSend() { unsent.increment() }

    func changed(_ change: MembershipEvent.Change, members count: Int) {
        members.record(count)
        Counter(
            label: "network_protocol_cluster_events_total",
            dimensions: [("cluster", name), ("change", "\(change)")]
        ).increment()
    }
}
