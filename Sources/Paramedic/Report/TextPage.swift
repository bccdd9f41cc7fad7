/// Lines of a text report, none wider than its style's columns.
struct TextPage {
    let style: TextStyle
    private(set) var lines: [String] = []

    init(style: TextStyle) {
        self.style = style
    }

    var text: String { lines.map { "\($0)\n" }.joined() }

    mutating func blank() {
        if let last = lines.last, !last.isEmpty { lines.append("") }
    }

    mutating func heading(_ text: String) {
        blank()
        lines.append(style.paint(style.plain(text), .strong))
    }

    /// A paragraph, wrapped; lines after the first are indented by `indent` and the length of `mark`.
    mutating func paragraph(_ text: String, mark: String = "", indent: Int = 2, tone: TextStyle.Tone? = nil) {
        let mark = style.plain(mark)
        let width = style.columns - indent - mark.count
        for (index, line) in Self.wrapped(style.plain(text), width: width).enumerated() {
            let lead = index == 0 ? mark : String(repeating: " ", count: mark.count)
            lines.append(String(repeating: " ", count: indent) + lead + style.paint(line, tone))
        }
    }

    /// A table: each cell as wide as the widest of its column; columns of figures are right-aligned. While it is wider
    /// than the page, the columns of `givingUp` are dropped, one after the other; then cells that do not fit are cut.
    mutating func table(_ rows: [[TextCell]], indent: Int = 2, givingUp: [Int] = []) {
        var rows = rows
        var widths = widths(rows)
        var expendable = givingUp
        while widths.reduce(indent - 2, { $0 + $1 + 2 }) > style.columns, let column = expendable.first {
            expendable = expendable.dropFirst().map { $0 > column ? $0 - 1 : $0 }
            for row in rows.indices where rows[row].count > column { rows[row].remove(at: column) }
            widths.remove(at: column)
        }
        for row in rows {
            var used = indent
            var line = String(repeating: " ", count: indent)
            for (column, cell) in row.enumerated() {
                let left = style.columns - used
                guard left > 0 else { break }
                var text = style.plain(cell.text)
                if text.count > left { text = String(text.prefix(max(left - 1, 0))) + style.plain("…").prefix(1) }
                let pad = String(repeating: " ", count: max(min(widths[column], left) - text.count, 0))
                let painted = style.paint(text, cell.tone)
                let isLast = column == row.count - 1
                line += cell.isFigure ? pad + painted : isLast ? painted : painted + pad
                if !isLast { line += "  " }
                used += max(min(widths[column], left), text.count) + 2
            }
            while line.last == " " { line.removeLast() }
            lines.append(line)
        }
    }

    private func widths(_ rows: [[TextCell]]) -> [Int] {
        (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { $0.count > column ? style.plain($0[column].text).count : 0 }.max() ?? 0
        }
    }

    /// Breaks at spaces, but not between a number and its unit; a word longer than a line is split.
    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words(text) {
            var word = word[...]
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            while word.count > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        for part in text.split(separator: " ", omittingEmptySubsequences: true) {
            if let last = words.last?.last, ("0"..."9").contains(last) {
                words[words.count - 1] += " \(part)"
            } else {
                words.append(String(part))
            }
        }
        return words
    }
}

extension TextStyle {
    /// A message, with its lines wrapped at spaces if they are wider than the page.
    package func message(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { line in
                guard line.count > columns else { return [String(line)] }
                let indent = String(line.prefix { $0 == " " })
                return TextPage.wrapped(String(line), width: columns - indent.count).map { indent + $0 }
            }
            .joined(separator: "\n")
    }
}

/// One cell of a text table.
struct TextCell {
    var text: String
    var tone: TextStyle.Tone?
    var isFigure: Bool

    static func label(_ text: String, _ tone: TextStyle.Tone? = nil) -> TextCell {
        TextCell(text: text, tone: tone, isFigure: false)
    }

    static func figure(_ text: String, _ tone: TextStyle.Tone? = nil) -> TextCell {
        TextCell(text: text, tone: tone, isFigure: true)
    }
}
