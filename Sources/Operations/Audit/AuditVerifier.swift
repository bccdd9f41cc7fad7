import Glibc
import SystemErrors

/// Reads a log from its first line to its last, archives included, with bounded memory, and finds the first line that is not
/// as it was written.
package enum AuditVerifier {
    /// Whether a checkpoint's signature is by an endpoint that may sign this log.
    package typealias Verify = (_ endpointID: String, _ message: [UInt8], _ signature: [UInt8]) -> Bool

    /// Verifies the log at `path`, also while a process writes it. Without `verify` the checkpoint is not looked at. With
    /// `toleratesUnfinishedEnd` a torn last line, which opening the log cuts off, is no flaw.
    package static func verify(
        path: String,
        toleratesUnfinishedEnd: Bool = false,
        verify: Verify? = nil
    ) throws(FileError) -> AuditReport {
        do throws(SystemError) {
            // The checkpoint first: the log only grows, so it can never seem shorter than a checkpoint read before it.
            let checkpoint = try verify.map { verify throws(SystemError) in
                try readCheckpoint(ofLog: path, verify: verify)
            }
            let succession = try AuditSuccession(ofLog: path)
            var verification = AuditVerification(checkpoint: checkpoint)
            for archive in succession.archives where verification.wantsMore {
                verification.begin(archive: archive.name)
                try feed(try AuditDiskFile(reading: archive.path), to: &verification) { false }
                verification.end(of: archive)
            }
            if let file = succession.present, verification.wantsMore {
                verification.begin(archive: nil)
                try feed(file, to: &verification) { toleratesUnfinishedEnd || file.isLocked }
            }
            return verification.finish()
        } catch { throw FileError(error, path: error.path.isEmpty ? path : error.path) }
    }

    /// Gives every line of a file to `verification`. `mayBeUnfinished` is asked when the last line has no end.
    private static func feed(
        _ file: AuditDiskFile,
        to verification: inout AuditVerification,
        mayBeUnfinished: () -> Bool
    ) throws(SystemError) {
        var reader = AuditLineReader(from: 0) { count, offset throws(SystemError) in
            try file.read(atMost: count, at: offset)
        }
        while verification.wantsMore, let line = try reader.next() {
            if !line.isTerminated, !line.isTooLong, mayBeUnfinished() {
                return verification.unfinished(bytes: line.bytes.count)
            }
            verification.take(line)
        }
    }

    static func readCheckpoint(
        ofLog path: String,
        verify: Verify
    ) throws(SystemError) -> AuditCheckpoint.Reading {
        do throws(SystemError) {
            let file = try AuditDiskFile(reading: AuditCheckpoint.path(ofLog: path))
            let content = try file.read(atMost: AuditCheckpoint.slots * AuditCheckpoint.slotLength, at: 0)
            return AuditCheckpoint.newest(in: content, verify: verify)
        } catch {
            if error.code == ENOENT { return .missing }
            throw error
        }
    }
}
