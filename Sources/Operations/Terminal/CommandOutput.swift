internal import Synchronization

/// What a command puts on standard output. With `--json` a command that fails before it has put out a result puts out its
/// error instead, so that standard output is one JSON document however the command ended.
package enum CommandOutput {
    private static let begun = Atomic<Bool>(false)

    /// A part of the result.
    package static func put(_ bytes: [UInt8]) {
        begun.store(true, ordering: .relaxed)
        StandardOutput.write(bytes)
    }

    package static func put(_ text: String) { put(Array(text.utf8)) }

    package static func line(_ text: String) { put("\(text)\n") }

    /// Keys sorted.
    package static func put(json value: some Encodable) throws { put(try JSONText.pretty(value)) }

    /// `{"error": {"exit_code", "message", "reason"?, "retry_after_sec"?}}`, unless there is a result already.
    /// - Parameters:
    ///   - code: the exit code that follows.
    ///   - reason: the other end's, when it denied what was asked of it.
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
