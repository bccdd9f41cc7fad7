internal import StrictJSON
internal import TOMLKit

/// A TOML value, independent of its parser.
enum TOMLNode: Equatable, Sendable {
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    case array([TOMLNode])
    case table([String: TOMLNode])

    /// The value and its type, for an error: `"5201" (a string)`.
    var found: String {
        switch self {
        case .string(let text): "\(JSONValue.excerpt(of: text)) (a string)"
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
        // `TOMLPositions` refuses these before the parser runs.
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
