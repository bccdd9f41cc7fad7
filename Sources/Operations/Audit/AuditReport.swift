/// The result of verification.
package struct AuditReport: Equatable, Sendable {
    /// The first problem.
    package struct Flaw: Equatable, Sendable, CustomStringConvertible {
        /// Its `seq`, from 1; numbering continues from file to file.
        package var line: Int64
        /// Completes "line 7 …".
        package var problem: String
        /// Name of the closed file that contains it; nil for the current file.
        package var archive: String?

        package init(line: Int64, problem: String, archive: String? = nil) {
            self.line = line
            self.problem = problem
            self.archive = archive
        }

        package var description: String { (archive.map { "\($0): " } ?? "") + "line \(line) \(problem)" }
    }

    /// What the checkpoint says about the end of the log.
    package enum End: Equatable, Sendable {
        /// No way to verify signatures was given. Missing last lines are not found.
        case notChecked
        /// Every line up to the checkpoint is there. Opening the log will cut off lines after it; there are some only
        /// if the caller tolerates them.
        case whole(linesAfterCheckpoint: Int64)
        /// Lines follow the checkpoint, and no signature binds them: a killed writer left them before it acknowledged
        /// them, or they were appended from outside.
        case unbound(lines: Int64)
        /// There is no checkpoint although there are lines, or its signature is not valid.
        case unknown(problem: String)
        /// The checkpoint was signed at a line that is missing.
        case missing(lines: Int64)
    }

    /// Lines that are in order, counted from the first.
    package var lines: Int64 = 0
    /// `seq` of the last of them.
    package var lastSequence: Int64 = 0
    /// Lines before the first one, in closed files that were moved away.
    package var movedAway: Int64 = 0
    /// Files that were read.
    package var files = 0
    package var first: Timestamp?
    package var last: Timestamp?
    package var flaw: Flaw?
    package var end: End = .notChecked
    /// Bytes after the last newline that a running writer has not finished.
    package var unfinishedBytes: Int64 = 0

    /// Whether the log is in order, as far as it was checked.
    package var isIntact: Bool {
        if flaw != nil { return false }
        switch end {
        case .notChecked, .whole: return true
        case .unbound, .unknown, .missing: return false
        }
    }

    /// A sentence for people.
    package var sentence: String {
        if let flaw { return "\(flaw)" }
        let span = first.flatMap { first in last.map { ", \(first) to \($0)" } } ?? ""
        let count =
            (lines == 1 ? "1 line" : "\(lines) lines") + (files > 1 ? " of \(files) files" : "")
            + (movedAway > 0 ? " after line \(movedAway)" : "")
        switch end {
        case .notChecked: return "\(count) in order\(span); the end was not checked against a checkpoint"
        case .whole(0): return "\(count) in order\(span)"
        case .whole(let after): return "\(count) in order\(span); \(after) of them after the last checkpoint"
        case .unbound(let lines):
            return "\(count) in order\(span), but no checkpoint binds the last \(lines == 1 ? "one" : "\(lines)"): "
                + "a server that was killed leaves such lines and cuts them off when it starts; otherwise they are forged"
        case .unknown(let problem): return "\(count) in order\(span), but \(problem): lines may be missing from the end"
        case .missing(let missing):
            return "line \(lastSequence + 1) is missing: the checkpoint was signed after \(missing) more "
                + (missing == 1 ? "line" : "lines") + " than are there"
        }
    }
}
