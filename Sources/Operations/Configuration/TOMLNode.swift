import TOMLKit

/// A TOML value, free of the parser that read it.
enum TOMLNode: Equatable, Sendable {
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    case array([TOMLNode])
    case table([String: TOMLNode])

    /// The value and what it is, for an error: `"5201" (text)`.
    var found: String {
        switch self {
        case .string(let text): "\(JSONValue.excerpt(of: text)) (text)"
        case .integer(let number): "\(number) (an integer)"
        case .float(let number): "\(number) (a number with a fraction)"
        case .boolean(let flag): "\(flag) (a boolean)"
        case .array(let elements): "a list of \(elements.count)"
        case .table: "a table"
        }
    }

    init?(_ value: any TOMLValueConvertible) {
        switch value.type {
        case .string: self = .string(value.string ?? "")
        case .int: self = .integer(Int64(value.int ?? 0))
        case .double: self = .float(value.double ?? 0)
        case .bool: self = .boolean(value.bool ?? false)
        // Kept from the parser by `TOMLPositions`.
        case .date, .time, .dateTime: return nil
        case .array: self = .array((value.array.map(Array.init) ?? []).compactMap { TOMLNode($0) })
        case .table:
            guard let table = value.table else { return nil }
            self.init(table)
        }
    }

    init(_ table: TOMLTable) {
        var members: [String: TOMLNode] = [:]
        for key in table.keys {
            guard let value = table[key] else { continue }
            members[key] = TOMLNode(value)
        }
        self = .table(members)
    }
}
