/// The style of a text report.
package struct TextStyle: Sendable, Equatable {
    /// Most columns, also on wider terminals and in files.
    package static let widest = 100
    /// Tables are cut below this width.
    package static let narrowest = 40

    /// ANSI colors; off by default.
    package var color: Bool
    /// Block characters, arrows and dashes beyond ASCII.
    package var unicode: Bool
    /// No line is wider.
    package let columns: Int

    /// - Parameter columns: those of the terminal; clamped to ``narrowest`` and ``widest``.
    package init(color: Bool = false, unicode: Bool = true, columns: Int = TextStyle.widest) {
        self.color = color
        self.unicode = unicode
        self.columns = min(max(columns, Self.narrowest), Self.widest)
    }

    enum Tone: String {
        case strong = "1"
        case faint = "2"
        case good = "32"
        case fair = "33"
        case bad = "31"
        case down = "34"
        case up = "35"
    }

    func paint(_ text: String, _ tone: Tone?) -> String {
        guard color, let tone, !text.isEmpty else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    /// The text, with its typographic characters in ASCII if the style requires that.
    func plain(_ text: String) -> String {
        guard !unicode else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "–", "—", "−": result += "-"
            case "…": result += "..."
            case "“", "”": result += "\""
            case "’": result += "'"
            case "→": result += "->"
            case "·", "•": result += "-"
            case "≥": result += ">="
            case "×": result += "x"
            default: result += scalar.isASCII ? String(scalar) : "?"
            }
        }
        return result
    }

    /// Eight heights of a sparkline; in ASCII a line of increasing weight.
    private var heights: [Character] {
        unicode ? Array("▁▂▃▄▅▆▇█") : Array("_.-=+*#@")
    }

    /// One character per value, from zero to the largest, and a space for a missing value; at most `width` of them,
    /// each then the mean of its neighbors.
    func sparkline(_ values: [Double?], width: Int) -> String {
        let values = values.map { $0.map { $0.isFinite ? max($0, 0) : 0 } }
        guard width > 0, !values.isEmpty else { return "" }
        let count = min(width, values.count)
        let columns = (0..<count).map { column -> Double? in
            let part = values[(values.count * column / count)..<(values.count * (column + 1) / count)].compactMap { $0 }
            return part.isEmpty ? nil : part.reduce(0, +) / Double(part.count)
        }
        let top = columns.compactMap { $0 }.max() ?? 0
        return String(
            columns.map { value in
                guard let value else { return " " }
                return top > 0 ? heights[min(Int(value / top * 7.999), 7)] : heights[0]
            }
        )
    }

    /// A bar of `share` of `width`, to an eighth of a character; never empty for a share above zero.
    func bar(_ share: Double, width: Int) -> String {
        let share = share.isFinite ? min(max(share, 0), 1) : 0
        guard share > 0, width > 0 else { return "" }
        guard unicode else { return String(repeating: "#", count: max(Int((share * Double(width)).rounded()), 1)) }
        let eighths = max(Int((share * Double(width) * 8).rounded()), 1)
        let rest = Array(" ▏▎▍▌▋▊▉")[eighths % 8]
        return String(repeating: "█", count: eighths / 8) + (eighths % 8 == 0 ? "" : String(rest))
    }
}
