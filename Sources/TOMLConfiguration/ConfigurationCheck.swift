internal import StrictJSON

/// The result of `config check`, the same for every tool.
package struct ConfigurationCheck: Sendable {
    /// The file that was read.
    package var source: String
    package var problems: [ConfigurationProblem]

    /// - Parameter load: reads the configuration; returns the file's path, nil if there is none and the defaults apply.
    package init(_ load: () throws -> String?) throws {
        do {
            source = try load() ?? "no file, defaults"
            problems = []
        } catch let error as ConfigurationError {
            source = error.problems.first?.origin ?? ""
            problems = error.problems
        }
    }

    /// The discussion in the command's help.
    package static let discussion = """
        Reads the file and the environment, and changes nothing. Exits 0 if they are valid; otherwise prints each \
        problem's file, line, key and remedy, and exits 78.
        """
    /// EX_CONFIG of sysexits(3).
    package static let faultyCode: Int32 = 78

    /// The text for standard output. Throws a `ConfigurationError` if there are problems and they are not printed as
    /// JSON.
    package func answer(asJSON: Bool) throws(ConfigurationError) -> String {
        if asJSON { return json.prettyText + "\n" }
        guard isGood else { throw ConfigurationError(problems: problems) }
        return "\(source): ok\n"
    }

    package var isGood: Bool { problems.isEmpty }

    /// `configuration`, `status` (`ok` or `faulty`) and, if faulty, `problems`: objects with `file`, `line`, `key`,
    /// `problem`, `remedy`, each present if it is known.
    private var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("configuration", .string(source)), .init("status", .string(isGood ? "ok" : "faulty")),
        ]
        if !isGood { members.append(.init("problems", .array(problems.map(\.json)))) }
        return .object(members)
    }
}

extension ConfigurationProblem {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [.init("file", .string(origin))]
        if let line { members.append(.init("line", .integer(Int64(line)))) }
        if let column { members.append(.init("column", .integer(Int64(column)))) }
        if !key.isEmpty { members.append(.init("key", .string(key))) }
        members.append(.init("problem", .string(problem)))
        if !remedy.isEmpty { members.append(.init("remedy", .string(remedy))) }
        return .object(members)
    }
}
