package import Files

/// Why the audit log cannot be used. Every case says which file, what happened, and the remedy.
package enum AuditError: Error, Equatable, CustomStringConvertible {
    /// A system call failed.
    case file(FileError)
    /// Another process has the log open for writing.
    case locked(path: String)
    /// The log and its checkpoint do not match: lines were changed or removed.
    case tampered(path: String, problem: String)
    /// Nothing signed marks the end of the log: its checkpoint is lost or damaged.
    case unconfirmed(path: String, problem: String)
    /// The record cannot be written: too long, or a number that is not finite. The log itself stays open.
    case refused(problem: String)
    /// There is nothing to rotate.
    case empty(path: String)
    /// The checkpoint could not be signed.
    case signing(path: String, problem: String)
    /// An earlier write failed; nothing is written until the log has been reopened.
    case failed(path: String, cause: String)
    /// More records wait than the log accepts.
    case overloaded(path: String)
    case closed(path: String)

    /// The log is not as this process left it: lines or checkpoint were changed, removed or added from outside.
    package var isTampering: Bool {
        switch self {
        case .tampered, .unconfirmed: true
        case .file, .locked, .refused, .empty, .signing, .failed, .overloaded, .closed: false
        }
    }

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .locked(let path):
            "\(path): another process writes this audit log; stop it (`fuser \(path)` shows which), or set another path"
        case .tampered(let path, let problem):
            "\(path): \(problem); keep both files for examination, run `audit verify`, "
                + "and move them and all closed files aside to start a new log"
        case .unconfirmed(let path, let problem):
            "\(path): \(problem), so lines may be missing from its end; restore the checkpoint, or accept the log as it is "
                + "with `audit repair`, which adds a line that says so"
        case .refused(let problem): "the record was not written: \(problem)"
        case .empty(let path): "\(path): the audit log has no line yet, so there is nothing to rotate; rotate it later"
        case .signing(let path, let problem): "\(path): the checkpoint could not be signed: \(problem)"
        case .failed(let path, let cause):
            "\(path): the audit log is closed because a write failed (\(cause)); fix the cause; "
                + "it is reopened before the next decision"
        case .overloaded(let path): "\(path): too many records wait to be written; the disk is too slow"
        case .closed(let path): "\(path): the audit log was closed"
        }
    }
}
