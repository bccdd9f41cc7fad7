import CLinux
import Glibc

/// What stands behind standard output or standard error.
package struct Terminal: Equatable, Sendable {
    package var isTerminal: Bool
    /// Columns; 80 when it does not tell.
    package var columns: Int
    /// False when it is no terminal, when `NO_COLOR` is set, or when `TERM` is `dumb`.
    package var usesColour: Bool
    /// Whether a line can be drawn anew in place.
    package var redrawsLines: Bool

    package init(isTerminal: Bool, columns: Int = 80, environment: [String: String] = [:]) {
        self.isTerminal = isTerminal
        self.columns = columns > 0 ? columns : 80
        let isDumb = environment["TERM"] == "dumb"
        usesColour = isTerminal && !isDumb && (environment["NO_COLOR"] ?? "").isEmpty
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

    package enum Colour: Int, Sendable { case red = 31, green = 32, yellow = 33 }

    /// The text in a colour where colours are used, else as it is.
    package func coloured(_ text: String, _ colour: Colour) -> String {
        usesColour ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
    }
}
