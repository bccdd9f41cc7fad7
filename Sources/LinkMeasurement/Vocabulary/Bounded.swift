extension Optional<Double> {
    /// The value if it is finite, not negative and at most `bound`.
    package func bounded(by bound: Double) -> Double? {
        guard let self, self.isFinite, self >= 0, self <= bound else { return nil }
        return self
    }
}

extension Optional<Int> {
    /// The value if it is not negative and at most `bound`.
    func bounded(by bound: Int) -> Int? {
        guard let self, self >= 0, self <= bound else { return nil }
        return self
    }
}

extension Int {
    /// The sum, clamped to the largest or smallest integer if it would overflow.
    package func addingHeld(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}

extension String {
    /// The text in a form that is safe to show: control, formatting and direction-changing characters become “?”, and
    /// it is cut to `limit` characters. Names, addresses and errors come from other machines; printed unchanged, they
    /// could rewrite the terminal or reverse a line.
    package func printable(limit: Int = 120) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        var marks = 0
        for scalar in unicodeScalars {
            guard count < limit else {
                result.append("…")
                break
            }
            marks = scalar.isMark ? marks + 1 : 0
            result.append(scalar.isPrintable && marks <= Self.mostMarks ? scalar : "?")
            count += 1
        }
        return String(result)
    }

    /// Combining marks on one letter: enough for every written language, while a stack of them covers other lines.
    private static let mostMarks = 2
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    fileprivate var isMark: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: true
        default: false
        }
    }
}
