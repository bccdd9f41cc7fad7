internal import Files
internal import SystemErrors

/// Reads a log's files in order into a verification, and follows a writer that appends and rotates meanwhile.
struct AuditPass: ~Copyable {
    private let path: String
    private let toleratesUnfinishedEnd: Bool
    private let readCheckpoint: () throws(SystemError) -> AuditCheckpoint.Reading?
    private(set) var verification: AuditVerification
    /// The newest file that was found, and the reader in it; nil before the first, and while a rotation has not created
    /// the next one.
    private var file: AuditDiskFile?
    private var reader: AuditLineReader?

    init(
        path: String,
        toleratesUnfinishedEnd: Bool,
        verification: AuditVerification,
        readCheckpoint: @escaping () throws(SystemError) -> AuditCheckpoint.Reading?
    ) {
        self.path = path
        self.toleratesUnfinishedEnd = toleratesUnfinishedEnd
        self.verification = verification
        self.readCheckpoint = readCheckpoint
    }

    /// Reads what was added since the last call: all of it, or up to line `target`, if the log has it.
    mutating func readOn(to target: Int64 = .max) throws(SystemError) {
        var isIdle = false
        while true {
            let before = verification.lastSequence
            if let file {
                // In this order: a file that was moved away before it is read does not grow while it is read.
                let isMoved = try self.isMoved(file)
                try readRest(of: file, isMoved: isMoved, to: target)
                guard isMoved, target != .max, verification.wantsMore, verification.lastSequence < target else {
                    return
                }
            }
            try open()
            guard file != nil, verification.wantsMore else { return }
            // Each rotation of a log leaves lines, so files without any come from somebody else, without end.
            let isSame = verification.lastSequence == before
            if isIdle, isSame { return }
            isIdle = isSame
        }
    }

    /// Reads the next archives, and opens the file after them.
    private mutating func open() throws(SystemError) {
        let sequence = try AuditFileSequence(ofLog: path)
        let last = verification.lastSequence
        for archive in sequence.archives where archive.first > last && verification.wantsMore {
            verification.begin(archive: archive.name)
            let file = try AuditDiskFile(reading: archive.path)
            reader = AuditPass.lines(of: file)
            try feed { false }
            verification.end(of: archive)
        }
        reader = nil
        file = sequence.present
        guard let file, verification.wantsMore else { return }
        verification.begin(archive: nil)
        reader = AuditPass.lines(of: file)
    }

    /// - Parameter isMoved: it is complete, and other files follow it.
    private mutating func readRest(of file: AuditDiskFile, isMoved: Bool, to target: Int64) throws(SystemError) {
        reader?.resume()
        verification.unfinished(bytes: 0)
        var isTorn = false
        try feed(to: target) {
            isTorn = true
            return true
        }
        guard isTorn, isMoved || !toleratesUnfinishedEnd, !file.isLocked else { return }
        // Its writer has completed the line meanwhile, or left it torn.
        reader?.resume()
        verification.unfinished(bytes: 0)
        try feed(to: target) { false }
    }

    /// Takes the newest checkpoint. Returns whether a process wrote the log shortly before; nil without a checkpoint.
    mutating func renewCheckpoint() throws(SystemError) -> Bool? {
        // In this order: a process that ended before the checkpoint is read has signed its last one.
        let isLive = if let file { try isMoved(file) || file.isLocked } else { true }
        guard let newer = try readCheckpoint() else { return nil }
        verification.renew(newer)
        return isLive
    }

    /// What was found.
    mutating func finish() -> AuditReport { verification.finish() }

    private func isMoved(_ file: AuditDiskFile) throws(SystemError) -> Bool {
        let status = try file.status()
        return (try? FileStatus.ofLink(at: path).isSameFile(as: status)) != true
    }

    private static func lines(of file: AuditDiskFile) -> AuditLineReader {
        AuditLineReader(from: 0) { count, offset throws(SystemError) in try file.read(atMost: count, at: offset) }
    }

    /// Passes the reader's lines to the verification. `mayBeUnfinished` is called if the last line has no newline.
    private mutating func feed(to target: Int64 = .max, mayBeUnfinished: () -> Bool) throws(SystemError) {
        while verification.wantsMore, verification.lastSequence < target, let line = try reader?.next() {
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
}
