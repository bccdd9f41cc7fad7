/// A JSON value whose objects keep their order: what the audit log, the logs and `--json` write.
package enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Written as `null` if it is not finite: JSON has no such number.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Equatable, Sendable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The member with that name; nil if this is not an object or has none.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package init(optional text: String?) { self = text.map { .string($0) } ?? .null }
    package init(optional number: Int64?) { self = number.map { .integer($0) } ?? .null }
}
