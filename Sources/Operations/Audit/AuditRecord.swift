/// One event of the audit log, before it has a place in the chain. A field that does not apply is nil and written as `null`.
package struct AuditRecord: Equatable, Sendable {
    /// What a parameter of a test may be.
    package enum Value: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        /// Must be finite.
        case number(Double)
        case boolean(Bool)
    }

    package var timestamp: Timestamp
    /// For example `session_granted`.
    package var eventType: String
    package var peerID: String?
    package var endpointID: String?
    package var testID: String?
    package var testType: String?
    /// Written in the order of the names, so that equal parameters are equal text.
    package var params: [String: Value]?
    package var decision: String?
    package var reason: String?
    package var bytesSent: Int64?
    package var bytesReceived: Int64?
    package var durationMS: Int64?
    package var pid: Int64?
    package var exitCode: Int64?

    package init(
        _ eventType: String,
        timestamp: Timestamp = .now,
        peerID: String? = nil,
        endpointID: String? = nil,
        testID: String? = nil,
        testType: String? = nil,
        params: [String: Value]? = nil,
        decision: String? = nil,
        reason: String? = nil,
        bytesSent: Int64? = nil,
        bytesReceived: Int64? = nil,
        durationMS: Int64? = nil,
        pid: Int64? = nil,
        exitCode: Int64? = nil
    ) {
        self.timestamp = timestamp
        self.eventType = eventType
        self.peerID = peerID
        self.endpointID = endpointID
        self.testID = testID
        self.testType = testType
        self.params = params
        self.decision = decision
        self.reason = reason
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.durationMS = durationMS
        self.pid = pid
        self.exitCode = exitCode
    }
}

extension AuditRecord.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}
