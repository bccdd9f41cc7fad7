internal import Files
internal import Glibc
internal import SystemErrors

/// The open log: its file, its checkpoint file and the end of its chain. Used by one thread at a time.
struct AuditWriter {
    /// Opens the log's file (`appends`) or its checkpoint file. Tests inject failures.
    typealias Opener = @Sendable (_ path: String, _ appends: Bool) throws(SystemError) -> any AuditFile

    /// Most bytes written with one write and one fdatasync.
    static let batchLength = 1 << 20

    let path: String
    let signing: AuditSigning
    let layout: AuditLayout
    let opener: Opener
    var acceptsMissingCheckpoint: Bool

    private(set) var sequence: Int64 = 0
    private(set) var hash = AuditLine.noHash
    /// Length of the log in bytes up to the end of line `sequence`.
    private(set) var offset: Int64 = 0
    var file: (any AuditFile)?
    private(set) var checkpointFile: (any AuditFile)?
    /// Number of the last checkpoint that was written or tried.
    private var checkpointNumber: Int64 = -1
    /// The last batch was not finished: what of it may be in the file, and the checkpoint that was to follow.
    private(set) var unfinished: Unfinished?
    /// Whether this process has opened the log before: then it knows what it acknowledged.
    private(set) var hasAcknowledged = false

    /// What a failed write may have left.
    struct Unfinished {
        var bytes: [UInt8]
        var checkpoint: AuditCheckpoint
    }

    init(
        path: String,
        signing: AuditSigning,
        layout: AuditLayout,
        opener: @escaping Opener,
        acceptsMissingCheckpoint: Bool
    ) {
        self.layout = layout
        self.path = path
        self.signing = signing
        self.opener = opener
        self.acceptsMissingCheckpoint = acceptsMissingCheckpoint
    }

    /// Adopts files that were examined.
    mutating func adopt(
        file: any AuditFile,
        checkpointFile: any AuditFile,
        sequence: Int64,
        hash: String,
        offset: Int64,
        checkpointNumber: Int64
    ) {
        self.file = file
        self.checkpointFile = checkpointFile
        self.sequence = sequence
        self.hash = hash
        self.offset = offset
        self.checkpointNumber = checkpointNumber
    }

    /// The log is open, and this process vouches for its content from now on.
    mutating func acknowledge() {
        unfinished = nil
        hasAcknowledged = true
    }

    /// Releases the files and the lock.
    mutating func release() {
        file?.unlock()
        file = nil
        checkpointFile = nil
    }

    /// Writes as many of `records` as fit into one batch, makes them durable, and then writes a checkpoint that binds
    /// them.
    ///
    /// Returns one outcome for each record that it consumed: its `seq`, or why that record alone was refused. If it
    /// throws, nothing of the batch counts: the file was cut back, or reopening it will do that.
    mutating func write(_ records: ArraySlice<AuditRecord>) throws(AuditError) -> [Result<Int64, AuditError>] {
        guard let file else { throw .closed(path: path) }
        var outcomes: [Result<Int64, AuditError>] = []
        var bytes: [UInt8] = []
        var nextSequence = sequence
        var nextHash = hash
        for record in records {
            if bytes.count >= AuditWriter.batchLength { break }
            do throws(AuditError) {
                let line = try encode(record, sequence: nextSequence + 1, previousHash: nextHash)
                bytes += line
                bytes.append(UInt8(ascii: "\n"))
                nextSequence += 1
                nextHash = AuditLine.hash(of: line[...])
                outcomes.append(.success(nextSequence))
            } catch { outcomes.append(.failure(error)) }
        }
        if bytes.isEmpty { return outcomes }
        let checkpoint = AuditCheckpoint(
            number: checkpointNumber + 1,
            sequence: nextSequence,
            offset: offset + Int64(bytes.count),
            hash: nextHash,
            endpointID: signing.endpointID()
        )
        do throws(SystemError) {
            try checkUndisturbed(file)
            unfinished = Unfinished(bytes: bytes, checkpoint: checkpoint)
            try append(bytes, to: file)
            do throws(SystemError) {
                try file.synchronizeData()
            } catch {
                cutBack(file)
                throw error
            }
        } catch { throw .file(FileError(error, orPath: path)) }
        try write(checkpoint)
        sequence = nextSequence
        hash = nextHash
        offset = checkpoint.offset
        unfinished = nil
        return outcomes
    }

    /// Closes the current file under a name with the numbers of its lines and continues in a new one. A kill between
    /// the steps loses nothing: opening finishes the rotation. If this throws and `file` is nil, the log must be
    /// reopened.
    mutating func rotate() throws(AuditError) -> AuditArchive {
        guard let file else { throw .closed(path: path) }
        do throws(SystemError) {
            try checkUndisturbed(file)
        } catch { throw .file(FileError(error, orPath: path)) }
        let archive = AuditArchive(ofLog: path, first: try firstSequence(of: file), last: sequence)
        try writeCheckpoints()
        do throws(SystemError) {
            if (try? FileStatus.ofLink(at: archive.path)) != nil {
                throw SystemError(call: "rename", path: archive.path, code: EEXIST)
            }
            try StateFiles.rename(path, to: archive.path)
        } catch { throw .file(FileError(error)) }
        release()
        do throws(SystemError) {
            try StateFiles.synchronizeFolder(of: path)
        } catch { throw .file(FileError(error)) }
        _ = try open()
        return archive
    }

    private func firstSequence(of file: any AuditFile) throws(AuditError) -> Int64 {
        var reader = AuditLineReader(from: 0) { count, offset throws(SystemError) in
            try file.read(atMost: count, at: offset)
        }
        do {
            guard let line = try reader.next() else { throw AuditError.empty(path: path) }
            return try AuditLine(parsing: line.bytes, layout: layout).sequence
        } catch let error as AuditError {
            throw error
        } catch { throw .tampered(path: path, problem: "its first line cannot be read") }
    }

    private func encode(
        _ record: AuditRecord,
        sequence: Int64,
        previousHash: String
    ) throws(AuditError) -> [UInt8] {
        for (name, field) in record.fields {
            guard let place = layout.fields.first(where: { $0.name == name }), field.kind == place.kind else {
                throw .refused(problem: "the log has no such field \(name)")
            }
            guard case .parameters(let parameters) = field else { continue }
            for case .number(let number) in parameters.values where !number.isFinite {
                throw .refused(problem: "a parameter is not a finite number")
            }
        }
        let line = AuditLine(sequence: sequence, previousHash: previousHash, record: record, layout: layout).encoded()
        guard line.count < AuditLine.maximumLength else {
            throw .refused(problem: "its line has \(line.count + 1) bytes: must be at most \(AuditLine.maximumLength)")
        }
        return line
    }

    /// The files at both paths must still be ours, and the log as long as we left it.
    private func checkUndisturbed(_ file: any AuditFile) throws(SystemError) {
        let open = try file.status()
        try checkInPlace(open, path)
        guard open.size == offset else { throw SystemError(call: "write", path: path, code: EBUSY) }
        try checkCheckpointInPlace()
    }

    /// A checkpoint in a file that was replaced or removed binds nothing: the next start would cut off its lines.
    private func checkCheckpointInPlace() throws(SystemError) {
        guard let checkpointFile else { return }
        try checkInPlace(try checkpointFile.status(), AuditCheckpoint.path(ofLog: path))
    }

    private func checkInPlace(_ open: FileStatus, _ path: String) throws(SystemError) {
        guard try FileStatus.ofLink(at: path).isSameFile(as: open) else {
            throw SystemError(call: "write", path: path, code: ESTALE)
        }
    }

    private func append(_ bytes: [UInt8], to file: any AuditFile) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(SystemError) {
                let taken = try file.append(rest)
                if taken <= 0 { throw SystemError(call: "write", path: path, code: EIO) }
                rest = rest.dropFirst(taken)
            } catch {
                cutBack(file)
                throw error
            }
        }
    }

    /// Cuts back to the last whole line that counts. If this fails, reopening the log repairs it.
    private func cutBack(_ file: any AuditFile) {
        try? file.truncate(to: offset)
        try? file.synchronizeData()
    }

    /// Signs the current end of the log, in both slots: afterwards neither is by an older key or for an older state.
    mutating func writeCheckpoints() throws(AuditError) {
        for _ in 0..<AuditCheckpoint.slots {
            try write(
                AuditCheckpoint(
                    number: checkpointNumber + 1,
                    sequence: sequence,
                    offset: offset,
                    hash: hash,
                    endpointID: signing.endpointID()
                )
            )
        }
    }

    /// Signs a checkpoint and makes it durable. What no durable checkpoint binds is not acknowledged, so lines after
    /// the last one never need to be believed.
    private mutating func write(_ checkpoint: AuditCheckpoint) throws(AuditError) {
        guard let checkpointFile else { throw .closed(path: path) }
        let signature: [UInt8]
        do {
            signature = try signing.sign(checkpoint.message)
        } catch { throw .signing(path: path, problem: "\(error)") }
        guard let bytes = checkpoint.slot(signature: signature) else {
            throw .signing(path: path, problem: "the endpoint ID or the signature does not fit into a checkpoint")
        }
        do throws(SystemError) {
            try checkpointFile.write(bytes, at: Int64(checkpoint.slotIndex * AuditCheckpoint.slotLength))
            try checkpointFile.synchronizeData()
            // It may have been replaced since the write started.
            try checkCheckpointInPlace()
        } catch { throw .file(FileError(error, path: AuditCheckpoint.path(ofLog: path))) }
        checkpointNumber = checkpoint.number
    }
}

extension AuditRecord.Field {
    fileprivate var kind: AuditLayout.Kind {
        switch self {
        case .text: .text
        case .integer: .integer
        case .parameters: .parameters
        }
    }
}
