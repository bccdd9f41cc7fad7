internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    static let denied: Int32 = 4
    static let configuration: Int32 = 78
    static let interrupted: Int32 = 130

    static func exit(_ error: any Error, of command: any ParsableCommand.Type) -> Never {
        Live.clear()
        switch error {
        case let error as PartlyMeasured: exit(error.cause, of: command)
        case is CancellationError: leave("interrupted", code: interrupted)
        case let error as ConfigurationError: leave(error.description, code: configuration)
        case LinkClientError.denied, LinkClientError.wrongMode: leave("\(error)", code: denied)
        case let error as NothingMeasured: leave(error.description, code: error.isDenied ? denied : 1)
        case is ExitCode, is ValidationError, is CleanExit: command.exit(withError: error)
        case let error as any CustomStringConvertible & Error
        where !String(describing: type(of: error)).contains("CommandError"):
            leave(error.description, code: 1)
        default: command.exit(withError: error)
        }
    }

    private static func leave(_ message: String, code: Int32) -> Never {
        Live.say(message)
        Foundation.exit(code)
    }
}

/// Turns the first SIGINT or SIGTERM into cancellation, so that tests are closed and children end; the second exits at once.
enum Interruption {
    static func cancelling(_ body: sending @escaping () async throws -> Void) async throws {
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM].map { number in
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

/// What ended a command after it had measured, and put out, a part of what was asked for.
struct PartlyMeasured: Error {
    let cause: any Error

    init(_ cause: any Error) { self.cause = cause }
}
