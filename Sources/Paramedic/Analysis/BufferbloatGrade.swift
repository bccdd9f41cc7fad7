/// The growth of the mean round trip under load, as a letter. Ordered from best to worst.
package enum BufferbloatGrade: String, Codable, Sendable, CaseIterable, Comparable {
    case aPlus = "A+"
    case a = "A"
    case b = "B"
    case c = "C"
    case d = "D"
    case f = "F"

    /// The grade table, which is printed with every grade.
    package static let table: [GradeBand] = [
        GradeBand(grade: .aPlus, belowMs: 5),
        GradeBand(grade: .a, belowMs: 30),
        GradeBand(grade: .b, belowMs: 60),
        GradeBand(grade: .c, belowMs: 200),
        GradeBand(grade: .d, belowMs: 400),
        GradeBand(grade: .f, belowMs: nil),
    ]

    /// The grade of a mean increase: the first band above it.
    package init(meanIncreaseMs: Double) {
        self = Self.table.first { meanIncreaseMs < ($0.belowMs ?? .infinity) }?.grade ?? .f
    }

    package static func < (left: BufferbloatGrade, right: BufferbloatGrade) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// One line of the grade table.
package struct GradeBand: Codable, Sendable, Equatable {
    package var grade: BufferbloatGrade
    /// The grade's upper bound for the mean increase in milliseconds; nil for the last.
    package var belowMs: Double?

    package init(grade: BufferbloatGrade, belowMs: Double?) {
        self.grade = grade
        self.belowMs = belowMs
    }

    private enum CodingKeys: String, CodingKey {
        case grade
        case belowMs = "below_ms"
    }
}
