internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    static let notRunning: Int32 = 3
    static let configuration: Int32 = 78

    /// - Parameter json: whether the command was asked for JSON: then standard output says what failed, too.
    static func exit(_ error: any Error, of command: any ParsableCommand.Type, json: Bool) -> Never {
        switch error {
        case let error as ConfigurationError: leave(error.description, code: configuration, json: json)
        case let error as ControlSocketError:
            if case .notRunning = error { leave(error.description, code: notRunning, json: json) }
            leave(error.description, code: 1, json: json)
        case is ExitCode, is ValidationError, is CleanExit: command.exit(withError: error)
        case let error as any CustomStringConvertible & Error
        where !String(describing: type(of: error)).contains("CommandError"):
            leave(error.description, code: 1, json: json)
        default: command.exit(withError: error)
        }
    }

    private static func leave(_ message: String, code: Int32, json: Bool) -> Never {
        // The sentence is enough for whoever cannot be given the object.
        if json { try? JSONOutput.print(Failure(error: Failure.Content(exitCode: code, message: message))) }
        fflush(nil)
        FileHandle.standardError.write(Data("reflector: \(message)\n".utf8))
        Foundation.exit(code)
    }

    /// `{"error": {"exit_code", "message"}}`, as `paramedic` has it.
    private struct Failure: Encodable {
        struct Content: Encodable {
            var exitCode: Int32
            var message: String

            enum CodingKeys: String, CodingKey {
                case exitCode = "exit_code"
                case message
            }
        }

        let error: Content
    }
}

/// A command whose whole output is one JSON object with `--json`, also when it fails.
protocol ObjectCommand: AsyncParsableCommand {
    var shared: SharedOptions { get }
}

/// Prints a value as JSON, keys sorted.
enum JSONOutput {
    static func print(_ value: some Encodable) throws {
        Swift.print(try JSONReport.text(value), terminator: "")
    }
}
