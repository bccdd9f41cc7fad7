internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    static let notRunning: Int32 = 3
    static let configuration: Int32 = 78

    static func exit(_ error: any Error, of command: any ParsableCommand.Type) -> Never {
        switch error {
        case let error as ConfigurationError: leave(error.description, code: configuration)
        case let error as ControlSocketError:
            if case .notRunning = error { leave(error.description, code: notRunning) }
            leave(error.description, code: 1)
        case is ExitCode, is ValidationError, is CleanExit: command.exit(withError: error)
        case let error as any CustomStringConvertible & Error
        where !String(describing: type(of: error)).contains("CommandError"):
            leave(error.description, code: 1)
        default: command.exit(withError: error)
        }
    }

    private static func leave(_ message: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data("reflector: \(message)\n".utf8))
        Foundation.exit(code)
    }
}

/// Prints a value as JSON, keys sorted.
enum JSONOutput {
    static func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
