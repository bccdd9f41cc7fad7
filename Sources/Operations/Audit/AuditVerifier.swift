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
    /// How often a log is read again if it was rotated meanwhile.
    private static let attempts = 10

    /// Verifies the log at `path`, also while a process writes it. Without `verify` the checkpoint is ignored. With
    /// `toleratesUnfinishedEnd`, what opening the log cuts off is no flaw: a torn last line, and lines that no
    /// checkpoint binds yet.
    package static func verify(
        path: String,
        layout: AuditLayout,
        toleratesUnfinishedEnd: Bool = false,
        verify: Verify? = nil
    ) throws(FileError) -> AuditReport {
        do throws(SystemError) {
            var report = try pass(
                path: path,
                layout: layout,
                toleratesUnfinishedEnd: toleratesUnfinishedEnd,
                verify: verify
            )
            for _ in 1..<attempts {
                guard case .unbound = report.report.end, report.isLive else { break }
                report = try pass(
                    path: path,
                    layout: layout,
                    toleratesUnfinishedEnd: toleratesUnfinishedEnd,
                    verify: verify
                )
            }
            return report.report
        } catch { throw FileError(error, orPath: path) }
    }

    /// Reads the whole log once. `isLive` is whether a process writes it.
    private static func pass(
        path: String,
        layout: AuditLayout,
        toleratesUnfinishedEnd: Bool,
        verify: Verify?
    ) throws(SystemError) -> (report: AuditReport, isLive: Bool) {
        let readCheckpoint = { () throws(SystemError) in
            try verify.map { verify throws(SystemError) in try Self.readCheckpoint(ofLog: path, verify: verify) }
        }
        // The checkpoint first: the log only grows, so it can never seem shorter than a checkpoint that was read before
        // it.
        let checkpoint = try readCheckpoint()
        let succession = try AuditFileSequence(ofLog: path)
        var verification = AuditVerification(
            layout: layout,
            checkpoint: checkpoint,
            toleratesUnbound: toleratesUnfinishedEnd
        )
        for archive in succession.archives where verification.wantsMore {
            verification.begin(archive: archive.name)
            let file = try AuditDiskFile(reading: archive.path)
            var reader = lines(of: file)
            try feed(&reader, to: &verification, readCheckpoint) { false }
            verification.end(of: archive)
        }
        guard let file = succession.present, verification.wantsMore else { return (verification.finish(), false) }
        verification.begin(archive: nil)
        var reader = lines(of: file)
        try feed(&reader, to: &verification, readCheckpoint) { toleratesUnfinishedEnd || file.isLocked }
        // A running writer binds these lines in a moment.
        let end = verification.lastSequence
        var isLive = false
        for _ in 0..<renewals {
            guard verification.wantsMore, let bound = verification.boundSequence, bound < end else { break }
            isLive = file.isLocked
            // A writer that moved the file away meanwhile has locked another one.
            guard isLive else {
                isLive = (try? FileStatus.ofLink(at: path).isSameFile(as: file.status())) != true
                break
            }
            guard let newer = try readCheckpoint() else { break }
            verification.renew(newer)
            if let bound = verification.boundSequence, bound > verification.lastSequence {
                reader.resume()
                verification.unfinished(bytes: 0)
                try feed(&reader, to: &verification, readCheckpoint) { true }
            } else {
                usleep(renewalMicroseconds)
            }
        }
        return (verification.finish(boundTo: isLive ? end : nil), isLive)
    }

    private static func lines(of file: AuditDiskFile) -> AuditLineReader {
        AuditLineReader(from: 0) { count, offset throws(SystemError) in try file.read(atMost: count, at: offset) }
    }

    /// Passes every line of a file to `verification`. `mayBeUnfinished` is called if the last line has no newline.
    private static func feed(
        _ reader: inout AuditLineReader,
        to verification: inout AuditVerification,
        _ readCheckpoint: () throws(SystemError) -> AuditCheckpoint.Reading?,
        mayBeUnfinished: () -> Bool
    ) throws(SystemError) {
        while verification.wantsMore, let line = try reader.next() {
            if !line.isTerminated, !line.isTooLong, mayBeUnfinished() {
                return verification.unfinished(bytes: line.bytes.count)
            }
            if verification.needsNewerCheckpoint {
                if let newer = try readCheckpoint() { verification.renew(newer) }
                if verification.needsNewerCheckpoint { return verification.tooManyUnbound() }
            }
            verification.take(line)
        }
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
