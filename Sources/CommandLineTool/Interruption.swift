internal import Dispatch
internal import Glibc
internal import Operations

/// Turns the first SIGINT or SIGTERM into cancellation, so that tests are closed and children end. The second one exits
/// at once.
package enum Interruption {
    package static func canceling(
        _ signals: [Int32] = TerminationSignals.all,
        _ body: sending @escaping () async throws -> Void
    ) async throws {
        let task = Task { try await body() }
        let sources = signals.map { number in
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
            // Any failure now is caused by the interruption, or comes too late to matter.
            throw task.isCancelled ? CancellationError() : error
        }
        if task.isCancelled { throw CancellationError() }
    }
}
