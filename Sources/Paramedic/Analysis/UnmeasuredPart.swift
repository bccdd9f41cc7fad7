/// A requested part of an examination, or phase of a bufferbloat test, that could not be measured.
package struct UnmeasuredPart: Codable, Sendable, Equatable {
    /// `latency`, `download`, `upload`, `bufferbloat`; for a bufferbloat test the name of the phase.
    package var part: String
    package var reason: String

    package init(part: String, reason: String) {
        self.part = part
        self.reason = reason
    }
}

extension BufferbloatResult {
    /// The phases that were not measured, in order.
    package var missingPhases: [Phase] { (notMeasured ?? []).compactMap { Phase(rawValue: $0.part) } }

    /// Which phases were not measured and why, as a sentence without its period; nil if all were.
    package var notMeasuredWords: String? {
        guard let first = notMeasured?.first else { return nil }
        let words = missingPhases.map(\.underLoad)
        let phases = (words.count < 2 ? words : [words.dropLast().joined(separator: ", "), words[words.count - 1]])
            .joined(separator: " and ")
        return "latency \(phases) was not measured: \(first.reason)"
    }
}
