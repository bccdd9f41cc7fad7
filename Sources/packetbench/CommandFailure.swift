internal import ArgumentParser
internal import Foundation
internal import Operations

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    /// One side does not admit the other.
    static let refused: Int32 = 4

    /// - Parameter json: whether results were asked for as JSON: then the error is one too.
    static func exit(_ error: any Error, of command: any ParsableCommand.Type, json: Bool) -> Never {
        let isOfTheParser = isOfTheParser(error)
        let message = isOfTheParser ? command.message(for: error) : "\(error)"
        let code = isOfTheParser ? command.exitCode(for: error).rawValue : (error as? MeasureFailure)?.exitCode ?? 1
        if json, code != 0 {
            let fields: [JSONValue.Member] = [
                .init("exit_code", .integer(Int64(code))), .init("message", .string(message)),
            ]
            StandardOutput.write(JSONValue.object([.init("error", .object(fields))]).text + "\n")
        }
        if isOfTheParser { command.exit(withError: error) }
        StandardErrorLog.write(Array("packetbench: \(message)\n".utf8), to: 2)
        Foundation.exit(code)
    }

    /// Its own errors, which it tells with the usage.
    private static func isOfTheParser(_ error: any Error) -> Bool {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: true
        default: String(describing: type(of: error)).contains("CommandError")
        }
    }
}
