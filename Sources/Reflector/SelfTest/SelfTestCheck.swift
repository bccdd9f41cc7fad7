internal import StrictJSON

/// One line of the self-test.
package struct SelfTestCheck: Equatable, Sendable {
    package enum Status: String, Sendable {
        case pass = "PASS"
        case warn = "WARN"
        case fail = "FAIL"
    }

    /// For example `Memory` or `Network: eth0`.
    package var name: String
    package var status: Status
    /// What was found, in words.
    package var details: String
    /// What was measured, in `unit`; nil if there was nothing to measure.
    package var measured: Double?
    package var unit: String
    /// What is needed to pass, in words.
    package var threshold: String
    /// What to do; nil if the check passed.
    package var remedy: String?

    package init(
        _ name: String,
        _ status: Status,
        _ details: String,
        measured: Double? = nil,
        unit: String = "",
        threshold: String,
        remedy: String? = nil
    ) {
        self.name = name
        self.status = status
        self.details = details
        self.measured = measured
        self.unit = unit
        self.threshold = threshold
        self.remedy = status == .pass ? nil : remedy
    }

    /// Pass from `pass` on, warn from `warn` on, fail below.
    static func status(_ value: Double, pass: Double, warn: Double) -> Status {
        value >= pass ? .pass : value >= warn ? .warn : .fail
    }

    var json: JSONValue {
        .object([
            .init("name", .string(name)), .init("status", .string(status.rawValue)), .init("details", .string(details)),
            .init("measured", measured.map { .number($0) } ?? .null),
            .init("unit", unit.isEmpty ? .null : .string(unit)), .init("threshold", .string(threshold)),
            .init("remedy", .init(optional: remedy)),
        ])
    }
}
