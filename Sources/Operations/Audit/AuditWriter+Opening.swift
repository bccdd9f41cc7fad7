internal import Files
internal import Glibc
internal import SystemErrors

/// What opening the log found and did.
package struct AuditOpening: Equatable, Sendable {
    /// `seq` of the last line; 0 for a new log.
    package var sequence: Int64 = 0
    /// Bytes of an unfinished write that were cut off the end. They were never acknowledged: a kill or a power loss
    /// came first.
    package var cutBytes: Int64 = 0
    /// Whole lines among them: written, but not bound by a checkpoint, and so not acknowledged, before the writer was
    /// killed.
    package var cutLines: Int64 = 0
    /// What was accepted instead of a valid checkpoint; nil if there was one.
    package var accepted: String?

    package init(
        sequence: Int64 = 0,
        cutBytes: Int64 = 0,
        cutLines: Int64 = 0,
        accepted: String? = nil
    ) {
        self.sequence = sequence
        self.cutBytes = cutBytes
        self.cutLines = cutLines
        self.accepted = accepted
    }
}

extension AuditWriter {
    /// Opens both files, takes the lock, finds the end of the chain, cuts off what no checkpoint binds, and signs a new
    /// checkpoint.
    ///
    /// It reads only the line at the checkpoint and those after it, not the whole log. A log that is shorter than its
    /// checkpoint, or does not match it, is refused: signing it would hide what happened. So is a log that this process
    /// wrote before and that does not end with what it acknowledged. An interrupted rotation is finished.
    mutating func open() throws(AuditError) -> AuditOpening {
        release()
        do {
            return try examine()
        } catch {
            release()
            switch error {
            case let error as AuditError: throw error
            case let error as SystemError where error.call == "flock" && error.code == EWOULDBLOCK:
                throw .locked(path: path)
            case let error as SystemError: throw .file(FileError(error, orPath: path))
            default: throw .failed(path: path, cause: "\(error)")
            }
        }
    }

    private mutating func examine() throws -> AuditOpening {
        let file = try opener(path, true)
        try lock(file)
        // From here on, giving up releases the lock.
        self.file = file
        let checkpointPath = AuditCheckpoint.path(ofLog: path)
        let checkpointFile = try opener(checkpointPath, false)
        let content = try checkpointFile.read(atMost: AuditCheckpoint.slots * AuditCheckpoint.slotLength, at: 0)
        let size = try file.status().size
        let archives = try AuditArchive.all(ofLog: path)
        let reading = AuditCheckpoint.newest(in: content, verify: signing.verify)
        if hasAcknowledged { try compare(reading) }
        var end = ChainEnd()
        var number: Int64 = -1
        var accepted: String?
        switch reading {
        case .found(let checkpoint):
            (end, number) = (try chainEnd(at: checkpoint, file, size: size, archives), checkpoint.number)
        case .damaged(let checkpoint):
            (end, number) = (try chainEnd(at: checkpoint, file, size: size, archives), checkpoint.number)
            // This process knows that nothing newer was there.
            if !hasAcknowledged {
                accepted = "one of the two slots of \(checkpointPath) is damaged, and it may have been the newer one"
            }
        case .missing where size == 0 && archives.isEmpty:
            break
        case .missing:
            accepted = "the log has lines, but its checkpoint \(checkpointPath) is missing or empty"
            end = try lastLine(file, size: size, after: archives.last)
        case .unreadable:
            accepted = "no part of \(checkpointPath) carries a valid signature of this endpoint"
            end = try lastLine(file, size: size, after: archives.last)
        }
        guard number < AuditCheckpoint.maximumNumber / 2 else { throw tampered("the checkpoint's number is too high") }
        if let accepted, !acceptsMissingCheckpoint { throw AuditError.unconfirmed(path: path, problem: accepted) }
        var opening = AuditOpening(accepted: accepted)
        let last = try follow(end, file)
        if hasAcknowledged { try requireOwn(file, from: end.offset, to: size) }
        if accepted == nil {
            opening.cutLines = last.sequence - end.sequence
        } else {
            end = last
        }
        opening.cutBytes = size - end.offset
        if opening.cutBytes > 0 {
            try file.truncate(to: end.offset)
            try file.synchronizeData()
        }
        adopt(
            file: file,
            checkpointFile: checkpointFile,
            sequence: end.sequence,
            hash: end.hash,
            offset: end.offset,
            checkpointNumber: number
        )
        try append(isAfterRotation: end.offset == 0 && end.sequence > 0, archives.last, accepted: accepted)
        try writeCheckpoints()
        acknowledge()
        opening.sequence = sequence
        return opening
    }

    /// The checkpoint must be the last one that this process wrote, or the one that it was writing when it failed.
    private func compare(_ reading: AuditCheckpoint.Reading) throws(AuditError) {
        let end = "this process acknowledged line \(sequence)"
        switch reading {
        case .found(let checkpoint), .damaged(let checkpoint):
            if checkpoint.sequence == sequence, checkpoint.hash == hash { return }
            if let unfinished, checkpoint == unfinished.checkpoint { return }
            throw tampered("the checkpoint is for line \(checkpoint.sequence), and \(end)")
        case .missing:
            if sequence > 0 { throw tampered("the checkpoint is gone, and \(end)") }
        case .unreadable: throw tampered("the checkpoint carries no valid signature, and \(end)")
        }
    }

    /// After the last acknowledged line, only a batch that this process could not finish may follow.
    private func requireOwn(_ file: any AuditFile, from start: Int64, to size: Int64) throws {
        let own = unfinished?.bytes ?? []
        guard size - start <= Int64(own.count),
            try readAll(file, from: start, to: size)[...] == own.prefix(Int(size - start))
        else { throw tampered("bytes that this process did not write follow line \(sequence)") }
    }

    /// Writes opening's own lines, before anything is signed over them.
    private mutating func append(isAfterRotation: Bool, _ archive: AuditArchive?, accepted: String?) throws {
        var records: [AuditRecord] = []
        if isAfterRotation {
            var record = AuditRecord(AuditArchive.rotatedEvent)
            record[text: "endpoint_id"] = signing.endpointID()
            record[parameters: "params"] = archive.map { ["previous_file": .string($0.name)] }
            records.append(record)
        }
        if let accepted {
            var record = AuditRecord(AuditArchive.repairedEvent)
            record[text: "endpoint_id"] = signing.endpointID()
            record[parameters: "params"] = ["accepted_line": .integer(sequence)]
            record[text: "decision"] = "allow"
            record[text: "reason"] = accepted
            records.append(record)
        }
        if records.isEmpty { return }
        for outcome in try write(records[...]) { _ = try outcome.get() }
    }

    /// The state of the chain after a line.
    private struct ChainEnd {
        var sequence: Int64 = 0
        var hash = AuditLine.noHash
        var offset: Int64 = 0
    }

    private func tampered(_ problem: String) -> AuditError { .tampered(path: path, problem: problem) }

    /// A verifier may hold the shared lock for a moment, so a taken lock is retried a few times.
    private func lock(_ file: any AuditFile) throws(SystemError) {
        for _ in 0..<4 {
            do throws(SystemError) {
                return try file.lock()
            } catch {
                if error.code != EWOULDBLOCK { throw error }
                usleep(50_000)
            }
        }
        try file.lock()
    }

    /// The position of the checkpoint: in the current file, or at the end of the file that was closed there.
    private func chainEnd(
        at checkpoint: AuditCheckpoint,
        _ file: any AuditFile,
        size: Int64,
        _ archives: [AuditArchive]
    ) throws -> ChainEnd {
        if let archive = archives.last(where: { $0.last == checkpoint.sequence }) {
            return try chainEnd(at: checkpoint, closedIn: archive)
        }
        return try chainEnd(at: checkpoint, file, size: size)
    }

    /// The position of the checkpoint, after its line was compared with it.
    private func chainEnd(at checkpoint: AuditCheckpoint, _ file: any AuditFile, size: Int64) throws -> ChainEnd {
        let end = ChainEnd(sequence: checkpoint.sequence, hash: checkpoint.hash, offset: checkpoint.offset)
        guard size >= checkpoint.offset else {
            throw tampered(
                "lines are missing from its end: the checkpoint was signed at line \(checkpoint.sequence) "
                    + "and byte \(checkpoint.offset), the file ends at byte \(size)"
            )
        }
        if checkpoint.sequence == 0 {
            guard checkpoint.offset == 0 else { throw tampered("the checkpoint contradicts itself") }
            return end
        }
        guard let line = try wholeLine(endingAt: checkpoint.offset, file), fits(line, checkpoint)
        else { throw tampered("line \(checkpoint.sequence) is not the line that the checkpoint was signed for") }
        return end
    }

    /// The end of a closed file, which must be the position of the checkpoint.
    private func chainEnd(at checkpoint: AuditCheckpoint, closedIn archive: AuditArchive) throws -> ChainEnd {
        let file = try AuditDiskFile(reading: archive.path)
        guard try file.status().size == checkpoint.offset,
            let line = try wholeLine(endingAt: checkpoint.offset, file), fits(line, checkpoint)
        else {
            throw tampered(
                "\(archive.name) does not end with the line \(checkpoint.sequence) that the checkpoint was signed for"
            )
        }
        return ChainEnd(sequence: checkpoint.sequence, hash: checkpoint.hash)
    }

    /// Whether the checkpoint is for this line: its bytes and its number.
    private func fits(_ line: ArraySlice<UInt8>, _ checkpoint: AuditCheckpoint) -> Bool {
        AuditLine.hash(of: line) == checkpoint.hash
            && (try? AuditLine(parsing: line, layout: layout))?.sequence == checkpoint.sequence
    }

    /// The line whose newline is the byte before `offset`, without its newline.
    private func wholeLine(endingAt offset: Int64, _ file: any AuditFile) throws(SystemError) -> ArraySlice<UInt8>? {
        let start = max(0, offset - Int64(AuditLine.maximumLength) - 1)
        let bytes = try readAll(file, from: start, to: offset)
        guard bytes.count == Int(offset - start), bytes.last == UInt8(ascii: "\n") else { return nil }
        let content = bytes.dropLast()
        if let before = content.lastIndex(of: UInt8(ascii: "\n")) { return content[(before + 1)...] }
        return start == 0 ? content : nil
    }

    private func readAll(_ file: any AuditFile, from start: Int64, to end: Int64) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while start + Int64(bytes.count) < end {
            let more = try file.read(atMost: Int(end - start) - bytes.count, at: start + Int64(bytes.count))
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// The end of a log without a checkpoint: its last whole line, or that of the previous file, which is believed. The
    /// previous file must match its name: continuing with the numbers that it claims would make a log that cannot be
    /// opened.
    private func lastLine(_ file: any AuditFile, size: Int64, after archive: AuditArchive?) throws -> ChainEnd {
        let end = try lastLine(file, size: size)
        guard let archive else { return end }
        if end.sequence > archive.last { return end }
        let closed = try AuditDiskFile(reading: archive.path)
        let last = try lastLine(closed, size: try closed.status().size)
        guard end.sequence == 0, last.sequence == archive.last else {
            throw tampered(
                "\(archive.name) should end with line \(archive.last) and ends with \(last.sequence), "
                    + "the current file has \(end.sequence)"
            )
        }
        return ChainEnd(sequence: last.sequence, hash: last.hash)
    }

    private func lastLine(_ file: any AuditFile, size: Int64) throws -> ChainEnd {
        let start = max(0, size - 2 * Int64(AuditLine.maximumLength))
        let bytes = try readAll(file, from: start, to: size)
        guard let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            if start == 0 { return ChainEnd() }
            throw tampered("its end is not a line of an audit log")
        }
        let end = start + Int64(newline) + 1
        guard let content = try wholeLine(endingAt: end, file) else { throw tampered("its last line is too long") }
        do throws(AuditLine.Malformed) {
            let line = try AuditLine(parsing: content, layout: layout)
            return ChainEnd(sequence: line.sequence, hash: AuditLine.hash(of: content), offset: end)
        } catch { throw tampered("its last line \(error.problem)") }
    }

    /// Checks every line from `end` on and returns the position after the last one.
    private func follow(_ end: ChainEnd, _ file: any AuditFile) throws -> ChainEnd {
        var end = end
        var reader = AuditLineReader(from: end.offset) { count, offset throws(SystemError) in
            try file.read(atMost: count, at: offset)
        }
        while let line = try reader.next() {
            if line.isTooLong { throw tampered("line \(end.sequence + 1) is too long") }
            // An unfinished line, or one with the zeros that a power loss leaves in a file that had just grown.
            if !line.isTerminated || line.bytes.contains(0) { return end }
            let parsed: AuditLine
            do throws(AuditLine.Malformed) {
                parsed = try AuditLine(parsing: line.bytes, layout: layout)
            } catch { throw tampered("line \(end.sequence + 1) \(error.problem)") }
            guard parsed.sequence == end.sequence + 1, parsed.previousHash == end.hash else {
                throw tampered("line \(end.sequence + 1) does not follow the line before it")
            }
            end = ChainEnd(sequence: parsed.sequence, hash: AuditLine.hash(of: line.bytes), offset: reader.offset)
        }
        return end
    }
}
