/// The fields of every line of a log after those of the chain, in order. A field that does not apply is `null`.
///
/// The chain knows no tool's events. It writes two lines of its own (`audit_rotated`, `audit_repaired`), which need the
/// four names that every layout must have: `endpoint_id`, `params`, `decision` and `reason`.
package struct AuditLayout: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case text
        case integer
        /// An object of strings, numbers and booleans, sorted by name.
        case parameters
    }

    package struct Field: Equatable, Sendable {
        package var name: String
        package var kind: Kind

        package init(_ name: String, _ kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    /// Names of the chain's own fields, which come first.
    static let chain = ["timestamp", "event_type", "seq", "prev_hash"]
    private static let required = [
        Field("endpoint_id", .text), Field("params", .parameters), Field("decision", .text), Field("reason", .text),
    ]

    package let fields: [Field]
    /// All names of a line, in order.
    let names: [String]

    /// A repeated name, or a missing one of the four, is a programming error and traps.
    package init(_ fields: [Field]) {
        names = Self.chain + fields.map(\.name)
        precondition(Set(names).count == names.count, "each field of a layout must have a different name")
        precondition(
            Self.required.allSatisfy(fields.contains),
            "a layout must have the fields of the chain's own lines"
        )
        self.fields = fields
    }
}
