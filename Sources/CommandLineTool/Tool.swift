package import ArgumentParser
internal import Glibc
internal import Operations

/// The root command of a tool. ``start()`` is the same for all: shared options before or after the command's name, the
/// runtime's requirements, results on standard output and everything else on standard error, exit codes.
package protocol Tool: AsyncParsableCommand {
    /// Options with a value that every command takes, such as `--config`.
    static var sharedOptions: Set<String> { get }
    /// Options whose values must not stay visible in the process list.
    static var secretOptions: [String] { get }

    /// Called before there is a second thread.
    static func prepare()
    /// Runs a command that is not help, with the arguments that it was parsed from.
    static func run(_ command: sending any ParsableCommand, arguments: [String]) async throws
    /// The failure for an error that is not the parser's.
    static func failure(for error: any Error) -> ToolFailure
    /// Writes a line to standard error, without the tool's name.
    static func say(_ message: String)
}

extension Tool {
    package static var secretOptions: [String] { [] }

    package static func prepare() {}

    package static func run(_ command: sending any ParsableCommand, arguments: [String]) async throws {
        try await run(command)
    }

    /// Runs a parsed command of either of the parser's two kinds.
    package static func run(_ command: sending any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            var command = command
            try command.run()
        }
    }

    package static func say(_ message: String) {
        StandardErrorLog.write(Array("\(configuration.commandName ?? ""): \(message)\n".utf8), to: 2)
    }

    /// What a tool does from start to exit; its `main()` calls nothing else.
    package static func start() async {
        prepare()
        let typed = Array(ProcessArguments.all.dropFirst())
        let line = CommandLineOrder(
            typed,
            valued: sharedOptions,
            flags: ["--json"],
            commands: configuration.subcommands.compactMap { $0.configuration.commandName }
        )
        StandardStreams.openMissing()
        StandardOutput.checkAtExit()
        for option in secretOptions { ProcessArguments.hide(valueOf: option) }
        var running: (any ParsableCommand.Type)?
        do {
            // Errors in the arguments come first, and help has no requirements.
            var command = try parseAsRoot(line.arguments)
            if CommandLineOrder.isHelp(command) { return try command.run() }
            try await RuntimeRequirements.require()
            running = type(of: command)
            try await run(command, arguments: line.arguments)
        } catch {
            exit(error, running: running, json: line.options.contains("--json"))
        }
    }

    /// - Parameters:
    ///   - running: the command that was running; nil while the command line was being parsed.
    ///   - json: whether the user asked for results as JSON: then the error is JSON too.
    private static func exit(_ error: any Error, running: (any ParsableCommand.Type)?, json: Bool) -> Never {
        let isOfTheParser = isOfTheParser(error)
        let failure =
            isOfTheParser
            ? ToolFailure(message(for: error), exitCode: exitCode(for: error).rawValue) : failure(for: error)
        if json, failure.exitCode != 0 {
            CommandOutput.putError(
                failure.message,
                code: failure.exitCode,
                reason: failure.reason,
                retryAfterSec: failure.retryAfterSec
            )
        }
        if let error = error as? ValidationError, let running, let name = running.configuration.commandName {
            // In the parser's own format. The parser itself would print the usage of the tool, because it does not know
            // which command ran.
            let tool = configuration.commandName ?? ""
            let usage =
                "Usage: \(usageString(for: running))\n  See '\(tool) \(name) --help' for more information."
            StandardErrorLog.write(Array("Error: \(error.message)\n\(usage)\n".utf8), to: 2)
            Glibc.exit(failure.exitCode)
        }
        if isOfTheParser { exit(withError: error) }
        say(failure.message)
        Glibc.exit(failure.exitCode)
    }

    /// Whether the parser prints this error itself, with the usage.
    private static func isOfTheParser(_ error: any Error) -> Bool {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: true
        default: String(describing: type(of: error)).contains("CommandError")
        }
    }
}
