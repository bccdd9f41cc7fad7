internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    static let denied: Int32 = 4
    static let configuration: Int32 = 78
    static let interrupted: Int32 = 130

    /// - Parameter json: whether results were asked for as JSON: then the error is one too.
    static func exit(_ error: any Error, of command: any ParsableCommand.Type, json: Bool) -> Never {
        Live.clear()
        let (message, code) = outcome(error, of: command)
        if json, code != 0 { CommandOutput.putError(message, code: code, deny: deny(error)) }
        if isOfTheParser(error) { command.exit(withError: error) }
        Live.say(message)
        Foundation.exit(code)
    }

    /// What is said, and the exit code.
    private static func outcome(_ error: any Error, of command: any ParsableCommand.Type) -> (String, Int32) {
        switch error {
        case is CancellationError: ("interrupted", interrupted)
        case let error as ConfigurationError: (error.description, configuration)
        case LinkClientError.denied, LinkClientError.wrongMode: ("\(error)", denied)
        case let error as NothingMeasured: (error.description, error.isDenied ? denied : 1)
        case _ where isOfTheParser(error): (command.message(for: error), command.exitCode(for: error).rawValue)
        default: (DatabaseFailure.describe(error) ?? "\(error)", 1)
        }
    }

    /// Of the test that was denied, or of the first part of an examination that measured nothing.
    private static func deny(_ error: any Error) -> SessionDeny? {
        let first = (error as? NothingMeasured)?.parts.first?.error ?? error
        if case LinkClientError.denied(let deny) = first { return deny }
        return nil
    }

    /// Its own errors, which it tells with the usage.
    private static func isOfTheParser(_ error: any Error) -> Bool {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: true
        default: String(describing: type(of: error)).contains("CommandError")
        }
    }
}

/// Turns the first SIGINT or SIGTERM into cancellation, so that tests are closed and children end; the second exits at once.
enum Interruption {
    static func cancelling(_ body: sending @escaping () async throws -> Void) async throws {
        let task = Task { try await body() }
        let sources = TerminationSignals.all.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if task.isCancelled { _exit(128 + number) }
                task.cancel()
            }
            source.resume()
            return source
        }
        signal(SIGPIPE, SIG_IGN)
        defer { for source in sources { source.cancel() } }
        do {
            try await task.value
        } catch {
            // Whatever failed, it failed because of the interruption, or too late to matter.
            throw task.isCancelled ? CancellationError() : error
        }
        if task.isCancelled { throw CancellationError() }
    }
}
