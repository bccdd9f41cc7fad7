internal import CoreMetrics
internal import Metrics

/// What a daemon, a client or a pool measures, under swift-metrics names that begin with `network_protocol_`. A table
/// in Docs/NETWORK-PROTOCOL.md lists them all.
final class ConnectionMetrics: Sendable {
    private let role: String
    private let factory: any MetricsFactory
    private let open: Meter
    private let opened: Counter
    private let handshakes: Counter
    private let messagesReceived: Counter
    private let messagesSent: Counter
    private let bytesReceived: Counter
    private let bytesSent: Counter
    private let ratio: Recorder
    private let replays: Counter
    private let answered: Timer
    private let unanswered: Timer

    /// - Parameters:
    ///   - role: `daemon` or `client`.
    ///   - factory: nil for the one that the process has bootstrapped.
    init(role: String, factory: (any MetricsFactory)? = nil) {
        self.role = role
        let factory = factory ?? MetricsSystem.factory
        self.factory = factory
        func counter(_ name: String, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: "network_protocol_\(name)", dimensions: [("role", role)] + dimensions, factory: factory)
        }
        func timer(_ name: String, _ dimensions: [(String, String)]) -> Timer {
            Timer(label: "network_protocol_\(name)", dimensions: [("role", role)] + dimensions, factory: factory)
        }
        open = Meter(label: "network_protocol_connections_open", dimensions: [("role", role)], factory: factory)
        opened = counter("connections_total")
        handshakes = counter("handshakes_total", [("result", "success")])
        messagesReceived = counter("messages_total", [("direction", "received")])
        messagesSent = counter("messages_total", [("direction", "sent")])
        bytesReceived = counter("bytes_total", [("direction", "received")])
        bytesSent = counter("bytes_total", [("direction", "sent")])
        ratio = Recorder(
            label: "network_protocol_compression_ratio",
            dimensions: [("role", role)],
            aggregate: true,
            factory: factory
        )
        replays = counter("replays_refused_total")
        answered = timer("request_duration_seconds", [("result", "success")])
        unanswered = timer("request_duration_seconds", [("result", "failure")])
    }

    /// A connection is open. Several clients of a process share a gauge, so it is incremented and not set.
    func connectionOpened() {
        opened.increment()
        open.increment()
    }

    func connectionClosed() { open.decrement() }

    func handshakeSucceeded() { handshakes.increment() }

    /// - Parameter reason: one of a few words: values from outside must not create series.
    func handshakeFailed(_ reason: String) {
        if reason == HandshakeError.replayed.reason { replays.increment() }
        Counter(
            label: "network_protocol_handshakes_total",
            dimensions: [("role", role), ("result", "failure"), ("reason", reason)],
            factory: factory
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

    /// Both in bytes; the ratio is the fraction that is left, 0 to 1.
    func compressed(from: Int, to: Int) { ratio.record(Double(to) / Double(from)) }

    /// A request of this side has ended, with or without its reply.
    func requested(_ nanoseconds: Int64, isAnswered: Bool) {
        (isAnswered ? answered : unanswered).recordNanoseconds(nanoseconds)
    }
}

extension ConnectionError {
    /// Why a connection did not open, in one word for metrics.
    var handshakeFailureReason: String {
        switch value {
        case .handshake(let error): error.reason
        case .refused: "refused"
        case .timedOut: "timeout"
        case .tls: "tls"
        case .notAuthentic: "not_authentic"
        case .malformedPacket, .malformedMessage, .malformedCompression: "malformed"
        case .protocolViolation: "protocol_violation"
        case .closedByPeer: "closed_by_peer"
        case .closed: "closed"
        case .cancelled: "cancelled"
        default: "connection_lost"
        }
    }
}
