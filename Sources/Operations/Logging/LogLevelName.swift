package import Logging

/// The levels by their names in the configuration.
package enum LogLevelName: String, CaseIterable, Sendable {
    case trace, debug, info, warn, error

    /// Parses the level of a flag.
    package init(parsing text: String) throws(Malformed) {
        guard let level = LogLevelName(rawValue: text) else { throw Malformed() }
        self = level
    }

    package struct Malformed: Error, CustomStringConvertible {
        package var description: String {
            "must be one of " + LogLevelName.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }

    package var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        }
    }

    /// The name of a level in log lines.
    package init(_ level: Logger.Level) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info, .notice: .info
            case .warning: .warn
            case .error, .critical: .error
            }
    }
}
