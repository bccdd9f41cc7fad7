package import SystemErrors

extension SystemError {
    /// A call about the file at `path`.
    package init(call: String, path: String, code: Int32) { self.init(call: call, subject: path, code: code) }

    /// The path the call was about; empty when it had none.
    package var path: String { subject }
}
