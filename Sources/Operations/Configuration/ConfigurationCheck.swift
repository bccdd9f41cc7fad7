/// The answer of `config check`, the same for every tool.
package struct ConfigurationCheck: Sendable {
    /// The file that was read.
    package var source: String
    package var problems: [ConfigurationProblem]

    /// - Parameter load: reads the configuration; returns the file's path, nil when there is none and defaults apply.
    package init(_ load: () throws -> String?) throws {
        do {
            source = try load() ?? "no file, the defaults"
            problems = []
        } catch let error as ConfigurationError {
            source = error.problems.first?.origin ?? ""
            problems = error.problems
        }
    }

    /// What the command says of itself.
    package static let discussion = """
        Reads the file and the environment, and touches nothing else. Exits 0 when they are good, and 78 with every \
        problem's file, line, key and remedy when they are not.
        """
    /// EX_CONFIG of sysexits(3).
    private static let faultyCode: Int32 = 78

    /// Prints the answer, faults as text to standard error and as JSON to standard output; returns the exit code.
    package func report(asJSON: Bool) -> Int32 {
        if asJSON {
            StandardOutput.write(Array((json.prettyText + "\n").utf8))
        } else if isGood {
            StandardOutput.write(Array("\(text)\n".utf8))
        } else {
            StandardErrorLog.write(Array("\(text)\n".utf8), to: 2)
        }
        return isGood ? 0 : Self.faultyCode
    }

    package var isGood: Bool { problems.isEmpty }

    /// For a person; without a newline at the end.
    package var text: String {
        isGood ? "\(source): ok" : ConfigurationError(problems: problems).description
    }

    /// `configuration`, `status` (`ok` or `faulty`) and, when faulty, `problems`: objects with `file`, `line`, `key`,
    /// `problem`, `remedy`, each present where it is known.
    package var json: JSONValue {
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
