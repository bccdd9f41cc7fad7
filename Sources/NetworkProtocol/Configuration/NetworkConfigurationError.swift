internal import Operations

/// Everything that is wrong with a configuration, in the order of the file.
public struct NetworkConfigurationError: Error, Sendable, Hashable {
    /// One thing that is wrong, and where.
    public struct Problem: Sendable, Hashable {
        /// The file, or the environment variable that the value came from.
        public let origin: String
        /// From 1; nil when the place is not known.
        public let line: Int?
        /// `section.key`; empty for an error of syntax.
        public let key: String
        /// What was found, and what is expected.
        public let problem: String
        /// What to do; empty when the problem says it.
        public let remedy: String
    }

    /// All of them; never empty.
    public let problems: [Problem]
}

extension NetworkConfigurationError: CustomStringConvertible {
    /// One problem a line: `FILE:LINE: KEY: what is wrong; what to do`.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension NetworkConfigurationError.Problem: CustomStringConvertible {
    public var description: String {
        var text = origin
        if let line { text += ":\(line)" }
        return text + (key.isEmpty ? ": " : ": \(key): ") + problem + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}

extension NetworkConfigurationError {
    init(_ error: ConfigurationError) { problems = error.problems.map { Problem($0) } }

    /// `place` is a problem without words at the place that a value came from.
    init(at place: ConfigurationProblem, _ problem: String, remedy: String) {
        problems = [
            Problem(origin: place.origin, line: place.line, key: place.key, problem: problem, remedy: remedy)
        ]
    }
}

extension NetworkConfigurationError.Problem {
    fileprivate init(_ problem: ConfigurationProblem) {
        origin = problem.origin
        line = problem.line
        key = problem.key
        self.problem = problem.problem
        remedy = problem.remedy
    }
}
