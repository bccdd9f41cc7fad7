internal import Paramedic
internal import Reflector
internal import TOMLConfiguration

/// Configuration files.
enum ConfigurationProperties {
    /// A file is a configuration or a list of problems, each with words and a line of the file.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let lines = 1 + bytes.count { $0 == UInt8(ascii: "\n") }
        let document: TOMLDocument
        do throws(ConfigurationError) {
            document = try TOMLDocument(parsing: bytes, path: "x.toml")
        } catch { return try check(error, lines: lines) }
        try checkReading(lines) { () throws(ConfigurationError) in try ReflectorConfiguration.read(document) }
        try checkReading(lines) { () throws(ConfigurationError) in try ParamedicConfiguration.read(document) }
    }

    private static func checkReading(
        _ lines: Int,
        _ read: () throws(ConfigurationError) -> some Equatable
    ) throws(PropertyBroken) {
        do throws(ConfigurationError) {
            let first = try read()
            let second = try read()
            if first != second { throw ConfigurationError(problems: []) }
        } catch { try check(error, lines: lines) }
    }

    private static func check(_ error: ConfigurationError, lines: Int) throws(PropertyBroken) {
        try require(!error.problems.isEmpty, "reading fails without a problem, or differs from time to time")
        for problem in error.problems {
            try ErrorText.check("\(problem)")
            guard let line = problem.line else { throw PropertyBroken("a problem has no line: \(problem)") }
            try require((1...lines).contains(line), "a problem is at line \(line) of \(lines): \(problem)")
        }
    }
}
