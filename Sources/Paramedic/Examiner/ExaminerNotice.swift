package import LinkMeasurement
internal import Operations

/// What an examiner tells while it works.
package enum ExaminerNotice: Sendable, CustomStringConvertible {
    /// The reflector denied the test for now; it is asked again after this time. A busy one says how long at most it will
    /// be so; `patience` is what the whole waiting may take, in seconds.
    case waiting(seconds: Int, for: SessionDeny, patience: Int)
    /// A sentence that stays true.
    case remark(String)

    package var description: String {
        switch self {
        case .waiting(let seconds, let deny, let patience):
            deny.reason == .busy
                ? "waiting \(seconds) s, the longest that it expects to be busy: \(deny.cause) "
                    + "(with --wait \(patience), \(patience) s in all)"
                : "waiting \(seconds) s: \(deny.cause)"
        case .remark(let text): text
        }
    }
}

extension SessionDeny {
    /// Why, without the advice to try again: who waits, or is told for how long to wait, needs none.
    var cause: String {
        let text = message.printable(limit: 200)
        guard let advice = text.ranges(of: "; try again ").last else { return text }
        return String(text[..<advice.lowerBound])
    }

    /// Why, and how long it takes at most until the same may be granted.
    var explanation: String {
        guard let seconds = retryAfterSec, seconds > 0, seconds <= Self.longestWait else {
            return message.printable(limit: 400)
        }
        switch reason {
        case .busy: return "\(cause); it is free in \(seconds) s at the latest, and --wait \(seconds) waits that long"
        case .rateLimited: return "\(cause); it is allowed again in \(seconds) s, and --wait \(seconds) waits that long"
        default: return message.printable(limit: 400)
        }
    }

    /// The most that `--wait` takes, in seconds.
    private static var longestWait: Int { 86_400 }
}
