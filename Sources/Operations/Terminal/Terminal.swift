internal import CLinux
internal import Glibc

/// The terminal behind standard output or standard error, if there is one.
package struct Terminal: Equatable, Sendable {
    package var isTerminal: Bool
    /// Columns; 80 if the terminal does not report them.
    package var columns: Int
    /// False if it is no terminal, if `NO_COLOR` is set, or if `TERM` is `dumb`.
    package var usesColor: Bool
    /// Whether a line can be redrawn in place.
    package var redrawsLines: Bool

    package init(isTerminal: Bool, columns: Int = 80, environment: [String: String] = [:]) {
        self.isTerminal = isTerminal
        self.columns = columns > 0 ? columns : 80
        let isDumb = environment["TERM"] == "dumb"
        usesColor = isTerminal && !isDumb && (environment["NO_COLOR"] ?? "").isEmpty
        redrawsLines = isTerminal && !isDumb
    }

    /// `descriptor`: 1 for standard output, 2 for standard error.
    package static func of(_ descriptor: Int32, environment: [String: String]) -> Terminal {
        Terminal(
            isTerminal: isatty(descriptor) == 1,
            columns: Int(outpost_terminal_columns(descriptor)),
            environment: environment
        )
    }

    package enum Color: Int, Sendable { case red = 31, green = 32, yellow = 33 }

    /// The text in a color if colors are used, else unchanged.
    package func colored(_ text: String, _ color: Color) -> String {
        usesColor ? "\u{1b}[\(color.rawValue)m\(text)\u{1b}[0m" : text
    }
}
