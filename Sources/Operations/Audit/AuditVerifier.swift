package import Files
internal import Glibc
internal import SystemErrors

/// Reads a log from its first line to its last, archives included, with bounded memory, and finds the first line that
/// is not as it was written.
package enum AuditVerifier {
    /// Whether a checkpoint's signature is by an endpoint that may sign this log.
    package typealias Verify = (_ endpointID: String, _ message: [UInt8], _ signature: [UInt8]) -> Bool

    /// How often to wait for the checkpoint that binds what a running writer has just written, and how long each time.
    private static let renewals = 40
    private static let renewalMicroseconds: UInt32 = 50_000

    /// Verifies the log at `path`, also while a process writes and rotates it. Without `verify` the checkpoint is
    /// ignored. With `toleratesUnfinishedEnd`, what opening the log cuts off is no flaw: a torn last line, and lines
    /// that no checkpoint binds yet.
    package static func verify(
        path: String,
        layout: AuditLayout,
        toleratesUnfinishedEnd: Bool = false,
        verify: Verify? = nil
    ) throws(FileError) -> AuditReport {
        do throws(SystemError) {
            let readCheckpoint = { () throws(SystemError) in
                try verify.map { verify throws(SystemError) in
                    try Self.readCheckpoint(ofLog: path, verify: verify)
                }
            }
            // The checkpoint first: the log only grows, so it can never seem shorter than a checkpoint that was read
            // before it.
            let verification = AuditVerification(
                layout: layout,
                checkpoint: try readCheckpoint(),
                toleratesUnbound: toleratesUnfinishedEnd
            )
            var pass = AuditPass(
                path: path,
                toleratesUnfinishedEnd: toleratesUnfinishedEnd,
                verification: verification,
                readCheckpoint: readCheckpoint
            )
            try pass.readOn()
            for _ in 0..<renewals {
                let last = pass.verification.lastSequence
                guard pass.verification.wantsMore, let bound = pass.verification.boundSequence, bound != last else {
                    break
                }
                if bound > last {
                    // Only as far as the signature: what follows may not be signed yet.
                    try pass.readOn(to: bound)
                    if pass.verification.lastSequence == last { break }
                } else {
                    // What a running writer has just written, it binds in a moment.
                    guard let isLive = try pass.renewCheckpoint() else { break }
                    if let bound = pass.verification.boundSequence, bound < last {
                        guard isLive else { break }
                        usleep(renewalMicroseconds)
                    }
                }
            }
            return pass.finish()
        } catch { throw FileError(error, orPath: path) }
    }

    /// A slot may look damaged while it is written, so it is read a few times.
    static func readCheckpoint(
        ofLog path: String,
        verify: Verify
    ) throws(SystemError) -> AuditCheckpoint.Reading {
        do throws(SystemError) {
            let file = try AuditDiskFile(reading: AuditCheckpoint.path(ofLog: path))
            var reading = AuditCheckpoint.Reading.missing
            for attempt in 0..<5 {
                if attempt > 0 { usleep(20_000) }
                let content = try file.read(atMost: AuditCheckpoint.slots * AuditCheckpoint.slotLength, at: 0)
                reading = AuditCheckpoint.newest(in: content, verify: verify)
                if case .found = reading { break }
            }
            return reading
        } catch {
            if error.code == ENOENT { return .missing }
            throw error
        }
    }
}
