internal import Dispatch
internal import Synchronization
internal import SystemErrors

/// The append-only audit log: JSON lines in a hash chain, with a signed checkpoint beside it.
///
/// `append` returns after its line is on disk. Appends that arrive during a write go to disk together, with one write
/// and one fdatasync. After any failure nothing is written until `reopen()` succeeds, so code that logs before it acts
/// does not act.
package final class AuditLog: Sendable {
    /// Most records that may wait for the disk.
    package static let waitingLimit = 16_384
    /// Most records in one write.
    private static let batchCount = 1024

    package let path: String

    private struct Waiting: Sendable {
        var record: AuditRecord
        var continuation: CheckedContinuation<Int64, any Error>
    }

    private struct Intake {
        var waiting: [Waiting] = []
        var isDraining = false
        /// Why the log accepts nothing.
        var refusal: AuditError?
    }

    private let intake = Mutex(Intake())
    private let writer: Mutex<AuditWriter>
    /// Runs one block at a time; has no thread while there is nothing to write.
    private let queue = DispatchQueue(label: "outpost.audit")

    private init(path: String, writer: AuditWriter) {
        self.path = path
        self.writer = Mutex(writer)
    }

    /// Opens or creates the log at `path`; its folder must exist. No other process can open it meanwhile.
    ///
    /// `acceptsMissingCheckpoint` accepts a log whose checkpoint is gone or signed by an untrusted key. Its last line
    /// is then believed, and a line `audit_repaired` says so. Blocks: call it at startup.
    package static func open(
        path: String,
        signing: AuditSigning,
        layout: AuditLayout,
        acceptsMissingCheckpoint: Bool = false
    ) throws(AuditError) -> (log: AuditLog, opening: AuditOpening) {
        try open(path: path, signing: signing, layout: layout, acceptsMissingCheckpoint: acceptsMissingCheckpoint) {
            (path, appends) throws(SystemError) in
            try AuditDiskFile(path: path, appends: appends)
        }
    }

    static func open(
        path: String,
        signing: AuditSigning,
        layout: AuditLayout,
        acceptsMissingCheckpoint: Bool,
        opener: @escaping @Sendable (_ path: String, _ appends: Bool) throws(SystemError) -> any AuditFile
    ) throws(AuditError) -> (log: AuditLog, opening: AuditOpening) {
        var writer = AuditWriter(
            path: path,
            signing: signing,
            layout: layout,
            opener: opener,
            acceptsMissingCheckpoint: acceptsMissingCheckpoint
        )
        let opening = try writer.open()
        // Accepted once, not at every later opening.
        writer.acceptsMissingCheckpoint = false
        return (AuditLog(path: path, writer: writer), opening)
    }

    /// Whether the next append can succeed: false after a failure and after `close()`.
    package var isHealthy: Bool { intake.withLock { $0.refusal == nil } }

    /// Why the log refuses records; nil while it is healthy.
    package var refusal: AuditError? { intake.withLock { $0.refusal } }

    /// Writes a record and returns its `seq` once it is durable. A record that is itself invalid (too long) throws
    /// `.refused` and leaves the log as it was; after any other error nothing more is written.
    @discardableResult
    package func append(_ record: AuditRecord) async throws -> Int64 {
        try await withCheckedThrowingContinuation { continuation in
            let problem: AuditError? = intake.withLock { intake in
                if let refusal = intake.refusal { return refusal }
                if intake.waiting.count >= AuditLog.waitingLimit { return .overloaded(path: path) }
                intake.waiting.append(Waiting(record: record, continuation: continuation))
                if !intake.isDraining {
                    intake.isDraining = true
                    queue.async { self.drain() }
                }
                return nil
            }
            if let problem { continuation.resume(throwing: problem) }
        }
    }

    private func drain() {
        while true {
            let batch: [Waiting] = intake.withLock { intake in
                let batch = Array(intake.waiting.prefix(AuditLog.batchCount))
                intake.waiting.removeFirst(batch.count)
                if batch.isEmpty { intake.isDraining = false }
                return batch
            }
            if batch.isEmpty { return }
            write(batch[...])
        }
    }

    private func write(_ batch: ArraySlice<Waiting>) {
        var rest = batch
        while !rest.isEmpty {
            do throws(AuditError) {
                let outcomes = try writer.withLock { writer throws(AuditError) in
                    try writer.write(rest.map(\.record)[...])
                }
                for (waiting, outcome) in zip(rest, outcomes) {
                    waiting.continuation.resume(with: outcome.mapError { $0 as any Error })
                }
                rest = rest.dropFirst(outcomes.count)
            } catch {
                fail(error, rest)
                return
            }
        }
    }

    /// Closes the log: the records of the failed batch and all that wait get the cause. What reopening finds replaces
    /// the cause, because another process may have written the log.
    private func fail(_ error: AuditError, _ batch: ArraySlice<Waiting>, isReopening: Bool = false) {
        let refused = intake.withLock { intake in
            if isReopening, error.isTampering {
                intake.refusal = error
            } else if intake.refusal == nil {
                intake.refusal = .failed(path: path, cause: error.description)
            }
            defer { intake.waiting = [] }
            return intake.waiting
        }
        for waiting in batch + refused { waiting.continuation.resume(throwing: error) }
    }

    /// Reopens the files after a failure was fixed. They must end with what this log acknowledged; otherwise another
    /// process wrote them, and the log stays closed.
    @discardableResult
    package func reopen() async throws -> AuditOpening {
        try await onQueue { [self] in
            do throws(AuditError) {
                let opening = try writer.withLock { writer throws(AuditError) in try writer.open() }
                intake.withLock { $0.refusal = nil }
                return opening
            } catch {
                fail(error, [], isReopening: true)
                throw error
            }
        }
    }

    /// Closes the current file and continues in a new one, whose first line carries the hash of the old file's last
    /// line.
    package func rotate() async throws -> AuditArchive {
        try await onQueue { [self] in
            do throws(AuditError) {
                return try writer.withLock { writer throws(AuditError) in try writer.rotate() }
            } catch {
                if writer.withLock({ $0.file == nil }) { fail(error, []) }
                throw error
            }
        }
    }

    /// Writes what waits, signs a last checkpoint and releases the files. Later appends throw `.closed`.
    package func close() async {
        intake.withLock { if $0.refusal == nil { $0.refusal = .closed(path: path) } }
        _ = try? await onQueue { [self] in
            writer.withLock { writer in
                // After a failure, the next opening finds the end of the log.
                if writer.unfinished == nil { try? writer.writeCheckpoints() }
                writer.release()
            }
        }
    }

    private func onQueue<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
