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

    /// Reads what was added since the last call: up to line `target` at least, if the log has it.
    mutating func readOn(to target: Int64 = 0) throws(SystemError) {
        while true {
            if let file {
                // In this order: a file that was moved away before it is read does not grow while it is read.
                let isMoved = try self.isMoved(file)
                try readRest(of: file)
                guard isMoved, verification.wantsMore, verification.lastSequence < target else { return }
            }
            try open()
            guard file != nil, verification.wantsMore else { return }
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

    /// What was found.
    mutating func finish(boundTo end: Int64? = nil) -> AuditReport { verification.finish(boundTo: end) }

    private mutating func readRest(of file: AuditDiskFile) throws(SystemError) {
        reader?.resume()
        verification.unfinished(bytes: 0)
        let isTolerant = toleratesUnfinishedEnd
        try feed { isTolerant || file.isLocked }
    }

    /// Takes the newest checkpoint, and reads on to the line that it was signed for. Returns whether a process wrote
    /// the log shortly before; nil without a checkpoint.
    mutating func renewCheckpoint() throws(SystemError) -> Bool? {
        // In this order: a process that ended before the checkpoint is read has signed its last one.
        let isLive = if let file { try isMoved(file) || file.isLocked } else { true }
        guard let newer = try readCheckpoint() else { return nil }
        verification.renew(newer)
        if let bound = verification.boundSequence, bound > verification.lastSequence { try readOn(to: bound) }
        return isLive
    }

    private func isMoved(_ file: AuditDiskFile) throws(SystemError) -> Bool {
        let status = try file.status()
        return (try? FileStatus.ofLink(at: path).isSameFile(as: status)) != true
    }

    private static func lines(of file: AuditDiskFile) -> AuditLineReader {
        AuditLineReader(from: 0) { count, offset throws(SystemError) in try file.read(atMost: count, at: offset) }
    }

    /// Passes the reader's lines to the verification. `mayBeUnfinished` is called if the last line has no newline.
    private mutating func feed(mayBeUnfinished: () -> Bool) throws(SystemError) {
        while verification.wantsMore, let line = try reader?.next() {
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
