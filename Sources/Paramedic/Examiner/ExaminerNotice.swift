package import LinkMeasurement
internal import Operations

/// What an examiner reports while it works.
package enum ExaminerNotice: Sendable, CustomStringConvertible {
    /// The reflector denied the test for now; it is asked again after this time. A busy one says how long at most it
    /// will be busy; `patience` is the limit for all waits together, in seconds.
    case waiting(seconds: Int, for: SessionDeny, patience: Int)
    /// A sentence that stays true.
    case remark(String)

    package var description: String {
        switch self {
        case .waiting(let seconds, let deny, let patience):
            deny.reason == .busy
                ? "waiting \(seconds) s, the longest that it expects to be busy: \(deny.cause) "
                    + "(at most \(patience) s in all, see --wait)"
                : "waiting \(seconds) s: \(deny.cause)"
        case .remark(let text): text
        }
    }
}

extension SessionDeny {
    /// The reason without the advice to try again, which the client's own wait replaces.
    var cause: String {
        let text = message.printable(limit: 200)
        guard let advice = text.ranges(of: "; try again ").last else { return text }
        return String(text[..<advice.lowerBound])
    }

    /// The reason, and the longest time until the same test may be granted.
    var explanation: String {
        guard let seconds = retryAfterSec, seconds > 0, seconds <= Self.longestWait else {
            return message.printable(limit: 400)
        }
        switch reason {
        case .busy: return "\(cause); it is free in at most \(seconds) s, and --wait \(seconds) waits that long"
        case .rateLimited: return "\(cause); it is allowed again in \(seconds) s, and --wait \(seconds) waits that long"
        default: return message.printable(limit: 400)
        }
    }

    /// The largest value of `--wait`, in seconds.
    private static var longestWait: Int { 86_400 }
}
