package import SystemErrors

extension SystemError {
    /// The error of a call on the file at `path`.
    package init(call: String, path: String, code: Int32) { self.init(call: call, subject: path, code: code) }

    /// The path of the call; empty if it had none.
    package var path: String { subject }
}
