package import Logging

/// The levels as the configuration names them (seed 000).
package enum LogLevelName: String, CaseIterable, Sendable {
    case trace, debug, info, warn, error

    /// Reads a level as a flag gives it.
    package init(parsing text: String) throws(Malformed) {
        guard let level = LogLevelName(rawValue: text) else { throw Malformed() }
        self = level
    }

    package struct Malformed: Error, CustomStringConvertible {
        package var description: String {
            "the levels are " + LogLevelName.allCases.map(\.rawValue).joined(separator: ", ")
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

    /// The name a record of that level is written with.
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
