internal import GRDB

/// Waits for a database that another process is writing to, without blocking a thread or the calling actor.
package enum BusyDatabase {
    /// How long a decision waits while a peer or a user waits for it.
    package static let patience = Duration.seconds(5)
    private static let firstPause = Duration.milliseconds(2)
    private static let longestPause = Duration.milliseconds(250)

    /// Whether another connection has locked the file. The statement then did nothing and may be retried.
    package static func isBusy(_ error: any Error) -> Bool {
        guard let code = (error as? DatabaseError)?.resultCode.primaryResultCode else { return false }
        return code == .SQLITE_BUSY || code == .SQLITE_LOCKED
    }

    /// Does `work`, and retries it while the database is busy.
    ///
    /// - Parameter limit: how long; nil for as long as it takes.
    /// - Throws: what `work` throws, busy only after `limit`; `CancellationError` if the task is canceled meanwhile.
    package static func retrying<Value>(
        for limit: Duration? = patience,
        isolation: isolated (any Actor)? = #isolation,
        _ work: () throws -> Value
    ) async throws -> Value {
        let deadline = limit.map { ContinuousClock.now + $0 }
        var pause = firstPause
        while true {
            do {
                return try work()
            } catch  where isBusy(error) {
                if let deadline, ContinuousClock.now + pause > deadline { throw error }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, longestPause)
            }
        }
    }
}
