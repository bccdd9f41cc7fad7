extension QRCode {
    /// Modules of the light margin.
    private static let margin = 4

    /// Columns that ``lines(usesColor:)`` takes.
    package var width: Int { size + 2 * Self.margin }

    /// Lines for a terminal, two rows of modules in each.
    ///
    /// - Parameter usesColor: dark on light, whatever the terminal's colors are; otherwise light modules are drawn, for
    ///   a terminal with a dark background.
    package func lines(usesColor: Bool) -> [String] {
        func isLight(_ row: Int, _ column: Int) -> Bool {
            guard (0..<size).contains(row), (0..<size).contains(column) else { return true }
            return !isDark(row: row, column: column)
        }
        let range = -Self.margin..<size + Self.margin
        return stride(from: range.lowerBound, to: range.upperBound, by: 2).map { row in
            let line = range.map { column -> Character in
                switch (isLight(row, column), isLight(row + 1, column)) {
                case (true, true): "█"
                case (true, false): "▀"
                case (false, true): "▄"
                case (false, false): " "
                }
            }
            return usesColor ? "\u{1b}[97;40m" + String(line) + "\u{1b}[0m" : String(line)
        }
    }
}
