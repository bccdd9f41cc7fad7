/// A command line in which the options that all commands share may precede or follow the command's name.
package struct CommandLineOrder: Sendable {
    /// The same line with the shared options moved after the rest (but before `--`).
    package let arguments: [String]
    /// The words before `--`; only these can be options.
    package let options: [String]

    /// - Parameters:
    ///   - valued: options with a value, such as `--config`.
    ///   - flags: options without a value, such as `--json`.
    ///   - commands: the tool's commands. If the first word is none of them, only that word is kept, because it is the
    ///     error.
    package init(_ typed: [String], valued: Set<String>, flags: Set<String>, commands: [String]) {
        options = Array(typed.prefix { $0 != "--" })
        arguments = Self.ordered(typed, valued: valued, flags: flags, commands: commands)
    }

    private static func ordered(
        _ arguments: [String],
        valued: Set<String>,
        flags: Set<String>,
        commands: [String]
    ) -> [String] {
        var moved: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            let name = argument.split(separator: "=", maxSplits: 1).first.map(String.init) ?? argument
            if flags.contains(argument) {
                moved.append(argument)
                index += 1
            } else if valued.contains(name), argument.contains("=") {
                moved.append(argument)
                index += 1
            } else if valued.contains(argument), index + 1 < arguments.count {
                moved += arguments[index...index + 1]
                index += 2
            } else {
                break
            }
        }
        let rest = arguments[index...]
        if let first = rest.first, !first.hasPrefix("-"), first != "help", !commands.contains(first) { return [first] }
        // Without a command after them they belong to the tool itself.
        guard !moved.isEmpty, rest.first.map({ !$0.hasPrefix("-") }) == true else { return arguments }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + moved + Array(rest[end...])
    }

    /// Whether a parsed command only shows help, which has no requirements. The parser's own help command has no public
    /// name.
    static func isHelp(_ command: Any) -> Bool { String(describing: type(of: command)) == "HelpCommand" }
}
