/// The fields that every line of a log has behind those of the chain, in their order. A field that does not apply is `null`.
///
/// The chain knows no tool's events. It writes two lines of its own (`audit_rotated`, `audit_repaired`) and uses for them the four
/// names that every layout must have: `endpoint_id`, `params`, `decision` and `reason`.
package struct AuditLayout: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case text
        case integer
        /// An object of texts, numbers and booleans, in the order of their names.
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

    /// A name that stands twice, or a missing one of the four, is an error of the program and traps.
    package init(_ fields: [Field]) {
        names = Self.chain + fields.map(\.name)
        precondition(Set(names).count == names.count, "every field of a layout has a name of its own")
        precondition(Self.required.allSatisfy(fields.contains), "a layout has the fields of the chain's own lines")
        self.fields = fields
    }
}
