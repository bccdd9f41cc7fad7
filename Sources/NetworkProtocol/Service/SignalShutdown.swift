internal import CLinux
internal import UnixSignals

/// Runs a service of this library until SIGTERM, SIGINT or, unless it is ignored, SIGHUP.
enum SignalShutdown {
    /// Runs `service`; the first signal calls `shutDown`, the second cancels it.
    ///
    /// - Throws: what `service` throws.
    static func run(
        _ service: @escaping @Sendable () async throws -> Void,
        shutDown: @escaping @Sendable () -> Void
    ) async throws {
        let signals =
            outpost_hangup_was_ignored() != 0
            ? await UnixSignalsSequence(trapping: .sigterm, .sigint)
            : await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        try await withThrowingTaskGroup { group in
            group.addTask { try await service() }
            group.addTask {
                var isShuttingDown = false
                for await _ in signals {
                    if isShuttingDown { return }
                    shutDown()
                    isShuttingDown = true
                }
            }
            // The service's end, or the second signal.
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
