/// One thing that is wrong with the configuration.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The file, or the flag or variable that the value came from.
    package var origin: String
    /// From 1; nil when the place is not known.
    package var line: Int?
    package var column: Int?
    /// `section.key`; empty for an error of syntax.
    package var key: String
    /// What was found, and what is expected.
    package var problem: String
    /// What to do; empty when the problem says it.
    package var remedy: String

    package init(
        origin: String,
        line: Int? = nil,
        column: Int? = nil,
        key: String = "",
        problem: String,
        remedy: String = ""
    ) {
        self.origin = origin
        self.line = line
        self.column = column
        self.key = key
        self.problem = problem
        self.remedy = remedy
    }

    /// `FILE:LINE:COLUMN: KEY: what is wrong; what to do`.
    package var description: String {
        var text = origin
        if let line { text += ":\(line)" }
        if let column { text += ":\(column)" }
        return text + (key.isEmpty ? ": " : ": \(key): ") + problem + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}

/// Everything that is wrong with the configuration, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
