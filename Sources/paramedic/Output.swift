internal import Operations
internal import Reflector
internal import Synchronization

/// Results on standard output. With `--json` a command that fails before it has put one out puts out its error instead, so
/// that standard output is one JSON document however the command ended.
enum Output {
    private static let begun = Atomic<Bool>(false)

    static func put(_ text: String) {
        begun.store(true, ordering: .relaxed)
        StandardOutput.write(text)
    }

    static func line(_ text: String) { put("\(text)\n") }

    static func put(json value: some Encodable) throws { put(try JSONReport.text(value)) }

    /// - Parameter code: the exit code that follows.
    static func putError(_ message: String, code: Int32, cause: any Error) {
        guard !begun.load(ordering: .relaxed) else { return }
        var failure = Failure.Content(exitCode: code, message: message)
        let parts = (cause as? NothingMeasured)?.parts ?? []
        if case LinkClientError.denied(let deny) = parts.first?.error ?? cause {
            failure.reason = deny.reason.rawValue
            failure.retryAfterSec = deny.retryAfterSec
        }
        try? put(json: Failure(error: failure))
    }

    /// `{"error": {"exit_code", "message", "reason"?, "retry_after_sec"?}}`; the last two of a denied test.
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
