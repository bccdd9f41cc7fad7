/// What an examiner tells while it works.
package enum ExaminerNotice: Sendable, CustomStringConvertible {
    /// The reflector denied the test for now; it is asked again after this time.
    case waiting(seconds: Int, reason: String)
    /// A sentence that stays true.
    case remark(String)

    package var description: String {
        switch self {
        case .waiting(let seconds, let reason): "waiting \(seconds) s: \(reason)"
        case .remark(let text): text
        }
    }
}
