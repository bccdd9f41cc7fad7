/// One problem of the configuration.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The file, or the flag or variable of the value.
    package var origin: String
    /// From 1; nil if the position is not known.
    package var line: Int?
    package var column: Int?
    /// `section.key`; empty for an error of syntax.
    package var key: String
    /// What was found, and what is expected.
    package var problem: String
    /// The remedy; empty if the problem says it.
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

    /// `FILE:LINE:COLUMN: KEY: problem; remedy`.
    package var description: String {
        var text = origin
        if let line { text += ":\(line)" }
        if let column { text += ":\(column)" }
        return text + (key.isEmpty ? ": " : ": \(key): ") + problem + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}

/// All problems of the configuration, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    /// One problem per line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
