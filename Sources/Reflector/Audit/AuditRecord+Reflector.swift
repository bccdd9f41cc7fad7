package import Operations

extension AuditLayout {
    /// The fields of a reflector's log line.
    package static let reflector = AuditLayout([
        Field("peer_id", .text), Field("endpoint_id", .text), Field("test_id", .text), Field("test_type", .text),
        Field("params", .parameters), Field("decision", .text), Field("reason", .text), Field("bytes_sent", .integer),
        Field("bytes_received", .integer), Field("duration_ms", .integer), Field("pid", .integer),
        Field("exit_code", .integer),
    ])
}

/// The fields of a reflector's line by name.
extension AuditRecord {
    package var peerID: String? {
        get { self[text: "peer_id"] }
        set { self[text: "peer_id"] = newValue }
    }

    package var endpointID: String? {
        get { self[text: "endpoint_id"] }
        set { self[text: "endpoint_id"] = newValue }
    }

    package var testID: String? {
        get { self[text: "test_id"] }
        set { self[text: "test_id"] = newValue }
    }

    package var testType: String? {
        get { self[text: "test_type"] }
        set { self[text: "test_type"] = newValue }
    }

    package var params: [String: Value]? {
        get { self[parameters: "params"] }
        set { self[parameters: "params"] = newValue }
    }

    package var decision: String? {
        get { self[text: "decision"] }
        set { self[text: "decision"] = newValue }
    }

    package var reason: String? {
        get { self[text: "reason"] }
        set { self[text: "reason"] = newValue }
    }

    package var bytesSent: Int64? {
        get { self[integer: "bytes_sent"] }
        set { self[integer: "bytes_sent"] = newValue }
    }

    package var bytesReceived: Int64? {
        get { self[integer: "bytes_received"] }
        set { self[integer: "bytes_received"] = newValue }
    }

    package var durationMS: Int64? {
        get { self[integer: "duration_ms"] }
        set { self[integer: "duration_ms"] = newValue }
    }

    package var pid: Int64? {
        get { self[integer: "pid"] }
        set { self[integer: "pid"] = newValue }
    }

    package var exitCode: Int64? {
        get { self[integer: "exit_code"] }
        set { self[integer: "exit_code"] = newValue }
    }
}
