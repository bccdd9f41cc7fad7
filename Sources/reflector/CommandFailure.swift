internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    static let notRunning: Int32 = 3
    static let configuration: Int32 = 78

    /// - Parameter json: whether results were asked for as JSON: then the error is one, too.
    static func exit(_ error: any Error, of command: any ParsableCommand.Type, json: Bool) -> Never {
        let isOfTheParser = isOfTheParser(error)
        let message = isOfTheParser ? command.message(for: error) : DatabaseFailure.describe(error) ?? "\(error)"
        let code = isOfTheParser ? command.exitCode(for: error).rawValue : code(of: error)
        if json, code != 0 { CommandOutput.putError(message, code: code) }
        if isOfTheParser { command.exit(withError: error) }
        StandardErrorLog.write(Array("reflector: \(message)\n".utf8), to: 2)
        Foundation.exit(code)
    }

    private static func code(of error: any Error) -> Int32 {
        switch error {
        case is ConfigurationError: configuration
        case ControlSocketError.notRunning: notRunning
        default: 1
        }
    }

    /// Its own errors, which it tells with the usage.
    private static func isOfTheParser(_ error: any Error) -> Bool {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: true
        default: String(describing: type(of: error)).contains("CommandError")
        }
    }
}
