/// One event of the audit log, before it has a place in the chain. A missing field is written as `null`.
package struct AuditRecord: Equatable, Sendable {
    /// The value of a parameter.
    package enum Value: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        /// Must be finite.
        case number(Double)
        case boolean(Bool)
    }

    package enum Field: Equatable, Sendable {
        case text(String)
        case integer(Int64)
        /// Sorted by name, so that equal parameters have equal text.
        case parameters([String: Value])
    }

    package var timestamp: Timestamp
    /// For example `session_granted`.
    package var eventType: String
    /// By the names of the log's layout.
    package private(set) var fields: [String: Field] = [:]

    package init(_ eventType: String, timestamp: Timestamp = .now) {
        self.timestamp = timestamp
        self.eventType = eventType
    }

    package subscript(field name: String) -> Field? {
        get { fields[name] }
        set { fields[name] = newValue }
    }

    package subscript(text name: String) -> String? {
        get { if case .text(let text) = fields[name] { text } else { nil } }
        set { fields[name] = newValue.map { .text($0) } }
    }

    package subscript(integer name: String) -> Int64? {
        get { if case .integer(let number) = fields[name] { number } else { nil } }
        set { fields[name] = newValue.map { .integer($0) } }
    }

    package subscript(parameters name: String) -> [String: Value]? {
        get { if case .parameters(let values) = fields[name] { values } else { nil } }
        set { fields[name] = newValue.map { .parameters($0) } }
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
