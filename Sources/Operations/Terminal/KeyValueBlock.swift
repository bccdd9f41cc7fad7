/// A titled block of aligned `name : value` lines, as the tools print their state:
///
///       Reflector Status
///       ================
///       Endpoint ID   : PP-…
///       Mode          : Tunneled
package struct KeyValueBlock: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Spaces before every line.
    package static let indentation = "  "

    package var title: String
    package var rows: [Row]
    /// Spaces between the longest name and the colon: 2 in `pair` and `status`, 1 in the greeting of `serve`.
    package var gap: Int
    /// Length of the rule below the title; the title's length by default.
    package var ruleLength: Int?
    /// Lines after a blank line.
    package var footer: [String]

    package init(title: String, rows: [Row], gap: Int = 2, ruleLength: Int? = nil, footer: [String] = []) {
        self.title = title
        self.rows = rows
        self.gap = gap
        self.ruleLength = ruleLength
        self.footer = footer
    }

    /// With a newline at the end.
    package var text: String {
        let width = (rows.map(\.name.count).max() ?? 0) + gap
        var lines = [title, String(repeating: "=", count: ruleLength ?? title.count)]
        lines += rows.map { "\(TextTable.padded($0.name, to: width)): \(LogText.plain($0.value))" }
        if !footer.isEmpty { lines += [""] + footer }
        return lines.map { $0.isEmpty ? "\n" : "\(KeyValueBlock.indentation)\($0)\n" }.joined()
    }
}
