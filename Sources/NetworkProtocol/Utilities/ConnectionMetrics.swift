internal import Metrics

/// What a daemon or a client counts, under swift-metrics names that begin with `network_protocol_`.
final class ConnectionMetrics: Sendable {
    private let role: String
    private let open: Gauge
    private let accepted: Counter
    private let handshakes: Counter
    private let messagesReceived: Counter
    private let messagesSent: Counter
    private let bytesReceived: Counter
    private let bytesSent: Counter
    private let ratio: Recorder
    private let replays: Counter

    /// - Parameter role: `daemon` or `client`.
    init(role: String) {
        self.role = role
        let role = [("role", role)]
        open = Gauge(label: "network_protocol_connections_open", dimensions: role)
        accepted = Counter(label: "network_protocol_connections_total", dimensions: role)
        handshakes = Counter(label: "network_protocol_handshakes_total", dimensions: role + [("result", "success")])
        messagesReceived = Counter(
            label: "network_protocol_messages_total",
            dimensions: role + [("direction", "received")]
        )
        messagesSent = Counter(label: "network_protocol_messages_total", dimensions: role + [("direction", "sent")])
        bytesReceived = Counter(label: "network_protocol_bytes_total", dimensions: role + [("direction", "received")])
        bytesSent = Counter(label: "network_protocol_bytes_total", dimensions: role + [("direction", "sent")])
        ratio = Recorder(label: "network_protocol_compression_ratio", dimensions: role)
        replays = Counter(label: "network_protocol_replays_refused_total", dimensions: role)
    }

    func opened(now count: Int) {
        accepted.increment()
        open.record(count)
    }

    func closed(now count: Int) { open.record(count) }
    func handshakeSucceeded() { handshakes.increment() }

    func handshakeFailed(_ reason: String) {
        if reason == HandshakeError.replayed.reason { replays.increment() }
        Counter(
            label: "network_protocol_handshakes_total",
            dimensions: [("role", role), ("result", "failure"), ("reason", reason)]
        ).increment()
    }

    func received(messages: Int, bytes: Int) {
        if messages > 0 { messagesReceived.increment(by: messages) }
        bytesReceived.increment(by: bytes)
    }

    func sent(messages: Int, bytes: Int) {
        messagesSent.increment(by: messages)
        bytesSent.increment(by: bytes)
    }

    /// Both in bytes; the ratio is what is left of one, 0 to 1.
    func compressed(from: Int, to: Int) { ratio.record(Double(to) / Double(from)) }
}
