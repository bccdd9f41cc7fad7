/// How a tool ends after a failure: a sentence on standard error and an exit code for scripts.
package struct ToolFailure: Sendable {
    package var message: String
    package var exitCode: Int32
    /// The other end's reason for a denial, and the seconds after which it may agree; for `--json`.
    package var reason: String?
    package var retryAfterSec: Int?

    package init(_ message: String, exitCode: Int32, reason: String? = nil, retryAfterSec: Int? = nil) {
        self.message = message
        self.exitCode = exitCode
        self.reason = reason
        self.retryAfterSec = retryAfterSec
    }

    /// Wrong configuration (`EX_CONFIG` of sysexits.h).
    package static let configuration: Int32 = 78
    /// Ended by SIGINT, with the number that shells use.
    package static let interrupted: Int32 = 130
}
