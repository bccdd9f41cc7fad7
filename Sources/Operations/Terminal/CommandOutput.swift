internal import Synchronization

/// What a command writes to standard output. With `--json`, a command that fails before it has written a result writes
/// its error instead, so that standard output is one JSON document however the command ended.
package enum CommandOutput {
    private static let begun = Atomic<Bool>(false)

    /// Writes a part of the result.
    package static func put(_ bytes: [UInt8]) {
        begun.store(true, ordering: .relaxed)
        StandardOutput.write(bytes)
    }

    package static func put(_ text: String) { put(Array(text.utf8)) }

    package static func line(_ text: String) { put("\(text)\n") }

    /// Writes a value as JSON with sorted keys.
    package static func put(json value: some Encodable) throws { put(try JSONText.pretty(value)) }

    /// `{"error": {"exit_code", "message", "reason"?, "retry_after_sec"?}}`, unless there is a result already.
    /// - Parameters:
    ///   - code: the exit code that follows.
    ///   - reason: the other end's reason for a denial.
    ///   - retryAfterSec: seconds after which it may agree.
    package static func putError(
        _ message: String,
        code: Int32,
        reason: String? = nil,
        retryAfterSec: Int? = nil
    ) {
        guard !begun.load(ordering: .relaxed) else { return }
        let content = Failure.Content(
            exitCode: code,
            message: message,
            reason: reason,
            retryAfterSec: retryAfterSec
        )
        // Strings and numbers always have a JSON form.
        try? put(json: Failure(error: content))
    }

    private struct Failure: Encodable {
        struct Content: Encodable {
            var exitCode: Int32
            var message: String
            var reason: String?
            var retryAfterSec: Int?

            enum CodingKeys: String, CodingKey {
                case exitCode = "exit_code"
                case message
                case reason
                case retryAfterSec = "retry_after_sec"
            }
        }

        let error: Content
    }
}
