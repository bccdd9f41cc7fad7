internal import ArgumentParser
internal import Foundation
internal import Operations

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    /// One side does not admit the other.
    static let refused: Int32 = 4

    /// - Parameters:
    ///   - running: the command that had begun to run; nil while the command line was read.
    ///   - json: whether results were asked for as JSON: then the error is one too.
    static func exit(
        _ error: any Error,
        of command: any ParsableCommand.Type,
        running: (any ParsableCommand.Type)?,
        json: Bool
    ) -> Never {
        let isOfTheParser = isOfTheParser(error)
        let message = isOfTheParser ? command.message(for: error) : "\(error)"
        let code = isOfTheParser ? command.exitCode(for: error).rawValue : (error as? MeasureFailure)?.exitCode ?? 1
        if json, code != 0 {
            let fields: [JSONValue.Member] = [
                .init("exit_code", .integer(Int64(code))), .init("message", .string(message)),
            ]
            StandardOutput.write(JSONValue.object([.init("error", .object(fields))]).text + "\n")
        }
        if let error = error as? ValidationError, let running, let name = running.configuration.commandName {
            // As the parser tells its own: it would give the usage of the tool, as it does not know what ran.
            let usage =
                "Usage: \(command.usageString(for: running))\n  See 'packetbench \(name) --help' for more information."
            StandardErrorLog.write(Array("Error: \(error.message)\n\(usage)\n".utf8), to: 2)
            Foundation.exit(code)
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
