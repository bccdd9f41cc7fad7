internal import LinkMeasurement
internal import PrometheusMetrics

extension ReflectorCore {
    /// The state of the server in Prometheus' text format, version 0.0.4.
    func metrics() async -> String {
        let connections = ledger.counts
        let tests = await governor.runningTests().count
        let sessionCounts = await sessions.counts
        return registry.text([
            .gauge("reflector_uptime_seconds", "Time since the start.", Double(uptimeSeconds)),
            .gauge("reflector_audit_healthy", "1 when the audit log can be written.", audit.isHealthy ? 1 : 0),
            .gauge("reflector_connections_open", "Connections of the control port.", Double(connections.open)),
            .gauge(
                "reflector_connections_silent",
                "Connections that have not started their handshake.",
                Double(connections.silent)
            ),
            .gauge("reflector_connections_authorised", "Connections of known peers.", Double(connections.authorized)),
            .counter("reflector_connections_total", "Connections accepted.", Double(connections.accepted)),
            .counter(
                "reflector_connections_evicted_total",
                "Connections closed before they were authorized, to make room.",
                Double(connections.evicted)
            ),
            .counter(
                "reflector_connections_denied_total",
                "Connections refused: strangers, and certificates that identify no key.",
                Double(audit.refusedConnections)
            ),
            .counter(
                "reflector_control_bytes_total",
                "Bytes of known peers outside of their tests, both directions.",
                Double(budgets.bytes)
            ),
            .gauge("reflector_tests_running", "Running tests.", Double(tests)),
            .counter("reflector_sessions_granted_total", "Tests granted.", Double(sessionCounts.granted)),
            .counter("reflector_sessions_denied_total", "Tests denied.", Double(sessionCounts.denied)),
            .counter("reflector_test_bytes_total", "Bytes that tests moved.", Double(sessionCounts.bytes)),
            .counter("process_cpu_seconds_total", "Processor time used.", CPUTime.process().seconds),
        ])
    }
}
