/// A command line in which options that every command shares may stand before the command's name as well as after it.
package struct CommandLineOrder: Sendable {
    /// The same line with the shared options moved behind the rest (but before `--`).
    package let arguments: [String]
    /// What was typed before `--`: only there a word can be an option.
    package let options: [String]

    /// - Parameters:
    ///   - valued: options with a value, such as `--config`.
    ///   - flags: options without one, such as `--json`.
    ///   - commands: the tool's. Of a line whose first word is none of them only that word is left, as it is what is wrong with it.
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
        // Without a command behind them they belong to the tool itself.
        guard !moved.isEmpty, rest.first.map({ !$0.hasPrefix("-") }) == true else { return arguments }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + moved + Array(rest[end...])
    }

    /// Whether what was parsed only shows help, which needs nothing of the machine. The parser's own command for it has no
    /// public name.
    static func isHelp(_ command: Any) -> Bool { String(describing: type(of: command)) == "HelpCommand" }
}
