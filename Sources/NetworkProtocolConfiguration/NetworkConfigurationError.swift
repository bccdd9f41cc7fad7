internal import TOMLConfiguration

/// All problems of a configuration, in the order of the file.
public struct NetworkConfigurationError: Error, Sendable, Hashable {
    /// One problem, and where it is.
    public struct Problem: Sendable, Hashable {
        /// The file or the environment variable of the value.
        public let origin: String
        /// From 1; nil if the position is not known.
        public let line: Int?
        /// `section.key`; empty for an error of syntax.
        public let key: String
        /// What was found, and what is expected.
        public let problem: String
        /// The remedy; empty if the problem says it.
        public let remedy: String
    }

    /// All of them; never empty.
    public let problems: [Problem]
}

extension NetworkConfigurationError: CustomStringConvertible {
    /// One problem per line: `FILE:LINE: KEY: problem; remedy`.
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

    /// `place` is a problem without text at the origin of a value.
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
