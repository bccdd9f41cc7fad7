/// The chain's state machine. It takes lines in order and holds one line back, because only the line after a broken
/// link shows which side of it was changed.
struct AuditVerification {
    /// Hashes of lines after the checkpoint are kept until a newer checkpoint binds them: at most this many, 2 MB.
    private static let mostUnbound = 16_384

    private var report = AuditReport()
    private var checkpoint: AuditCheckpoint.Reading?
    /// The hashes of the lines after the checkpoint, in order.
    private var unbound: [String] = []
    private let layout: AuditLayout
    private let toleratesUnbound: Bool
    private var hash = AuditLine.noHash
    /// `seq` of the last line that is in order.
    private var last: Int64 = 0
    /// The current archive; nil for the current file.
    private var archive: String?
    /// A line that does not carry the hash of the previous line, and its own hash.
    private var suspect: (line: Int64, ownHash: String)?

    /// - Parameter toleratesUnbound: lines after the checkpoint are no flaw; opening the log will cut them off.
    init(layout: AuditLayout, checkpoint: AuditCheckpoint.Reading?, toleratesUnbound: Bool = false) {
        self.layout = layout
        self.checkpoint = checkpoint
        self.toleratesUnbound = toleratesUnbound
    }

    /// `seq` of the last line taken.
    var lastSequence: Int64 { last }

    /// `seq` of the last line that a checkpoint binds; nil without a valid checkpoint.
    var boundSequence: Int64? {
        guard case .found(let checkpoint) = checkpoint else { return nil }
        return checkpoint.sequence
    }

    /// So many lines wait for a checkpoint that it must be read again before the next line.
    var needsNewerCheckpoint: Bool { unbound.count >= Self.mostUnbound }

    /// A newer checkpoint was read and still does not bind them.
    mutating func tooManyUnbound() {
        flaw(
            last,
            "and more than \(Self.mostUnbound) lines before it are bound by no checkpoint; no writer leaves so many"
        )
    }

    /// The writer has signed a newer checkpoint meanwhile. Lines up to it are bound if they are those that it was
    /// signed for.
    mutating func renew(_ reading: AuditCheckpoint.Reading) {
        guard wantsMore, let bound = boundSequence, case .found(let newer) = reading, newer.sequence >= bound else {
            return
        }
        let count = newer.sequence - bound
        if count > 0, count <= Int64(unbound.count) {
            guard unbound[Int(count) - 1] == newer.hash else {
                return flaw(newer.sequence, "was changed: it is not the line that the checkpoint was signed for")
            }
        }
        unbound.removeFirst(Int(min(count, Int64(unbound.count))))
        checkpoint = reading
    }

    /// False after the first flaw is settled.
    var wantsMore: Bool { report.flaw == nil }

    /// The following lines are from this archive, or from the current file.
    mutating func begin(archive: String?) {
        self.archive = archive
        report.files += 1
    }

    /// The archive was read to its end: it must have contained what its name says.
    mutating func end(of archive: AuditArchive) {
        guard wantsMore, suspect == nil, last != archive.last else { return }
        flaw(max(last + 1, archive.first), "is missing: the file ends before line \(archive.last)")
    }

    mutating func unfinished(bytes: Int) { report.unfinishedBytes = Int64(bytes) }

    mutating func take(_ line: AuditLineReader.Line) {
        let number = last + 1
        if suspect != nil { return settle(next: line) }
        if line.isTooLong {
            return flaw(number, "is longer than \(AuditLine.maximumLength) bytes")
        }
        if !line.isTerminated { return flaw(number, "is torn: its end is missing") }
        let parsed: AuditLine
        do throws(AuditLine.Malformed) {
            parsed = try AuditLine(parsing: line.bytes, layout: layout)
        } catch { return flaw(number, "was changed: it \(error.problem)") }
        let ownHash = AuditLine.hash(of: line.bytes)
        if report.lines == 0, parsed.sequence > 1, parsed.record.eventType == AuditArchive.rotatedEvent {
            return takeBeginning(parsed, ownHash)
        }
        if parsed.previousHash == hash {
            if parsed.sequence != number {
                return flaw(number, "was changed: it says that its seq is \(parsed.sequence)")
            }
        } else if parsed.sequence != number {
            let what =
                parsed.sequence > number
                ? "at least one line was removed or reordered" : "a line was repeated or reordered"
            return flaw(number, "is not the line that belongs here: it has seq \(parsed.sequence); \(what)")
        } else if number == 1 {
            return flaw(number, "was changed: the first line must follow none, but it carries a hash")
        } else {
            suspect = (number, ownHash)
            return
        }
        if let signed, signed.sequence == number, signed.hash != ownHash {
            return flaw(number, "was changed: it is not the line that the checkpoint was signed for")
        }
        accept(parsed, ownHash)
    }

    private mutating func accept(_ line: AuditLine, _ ownHash: String) {
        hash = ownHash
        last = line.sequence
        report.lines += 1
        report.lastSequence = last
        report.first = report.first ?? line.record.timestamp
        report.last = line.record.timestamp
        if case .found(let checkpoint) = checkpoint, last > checkpoint.sequence { unbound.append(ownHash) }
    }

    /// The checkpoint, also if the other slot is damaged.
    private var signed: AuditCheckpoint? {
        switch checkpoint {
        case .found(let checkpoint), .damaged(let checkpoint): checkpoint
        case .missing, .unreadable, nil: nil
        }
    }

    /// The first line follows a rotation: older files were moved away. It cannot be forged, because every line up to
    /// the checkpoint depends on its hash. So the checkpoint must be at this line or after it, or at the previous line,
    /// whose hash this one carries.
    private mutating func takeBeginning(_ line: AuditLine, _ ownHash: String) {
        if let signed {
            let isBound =
                if signed.sequence == line.sequence {
                    signed.hash == ownHash
                } else if signed.sequence == line.sequence - 1 {
                    signed.hash == line.previousHash
                } else {
                    signed.sequence > line.sequence
                }
            guard isBound else {
                return flaw(line.sequence, "was changed: it does not match the line that the checkpoint was signed for")
            }
        }
        report.movedAway = line.sequence - 1
        accept(line, ownHash)
    }

    /// The link between `suspect` and the previous line is broken. If the next line confirms the suspect, the previous
    /// line was changed; otherwise the suspect itself was.
    private mutating func settle(next line: AuditLineReader.Line?) {
        guard let suspect else { return }
        self.suspect = nil
        var confirmed = false
        if let line, line.isTerminated, let parsed = try? AuditLine(parsing: line.bytes, layout: layout) {
            confirmed = parsed.previousHash == suspect.ownHash
        } else if let signed, signed.sequence == suspect.line {
            confirmed = signed.hash == suspect.ownHash
        }
        if confirmed {
            report.lines -= 1
            last -= 1
            flaw(suspect.line - 1, "was changed after it was written: the next line carries another hash of it")
        } else {
            flaw(suspect.line, "was changed, or the line before it: it does not carry the hash of that line")
        }
    }

    private mutating func flaw(_ line: Int64, _ problem: String) {
        report.flaw = AuditReport.Flaw(line: line, problem: problem, archive: archive)
    }

    mutating func finish() -> AuditReport {
        settle(next: nil)
        guard report.flaw == nil, let checkpoint else { return report }
        switch checkpoint {
        case .missing:
            report.end =
                report.lines == 0 ? .whole(linesAfterCheckpoint: 0) : .unknown(problem: "there is no checkpoint")
        case .unreadable:
            report.end = .unknown(problem: "the checkpoint is not signed by this endpoint")
        case .damaged(let checkpoint):
            report.end =
                last < checkpoint.sequence
                ? .missing(lines: checkpoint.sequence - last)
                : .unknown(problem: "one of the checkpoint's two slots is damaged, and it may have been the newer one")
        case .found(let checkpoint):
            let difference = last - checkpoint.sequence
            if difference < 0 {
                report.end = .missing(lines: -difference)
            } else if difference == 0 {
                report.end = .whole(linesAfterCheckpoint: 0)
            } else {
                report.end =
                    toleratesUnbound ? .whole(linesAfterCheckpoint: difference) : .unbound(lines: difference)
            }
        }
        return report
    }
}
