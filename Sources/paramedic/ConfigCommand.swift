internal import ArgumentParser
internal import Reflector

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at the configuration.",
        subcommands: [Check.self]
    )

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the configuration is good.",
            discussion: """
                Reads the file and the environment, and touches nothing else. Exits 0 when they are good, and 78 with every \
                problem's file, line and key when they are not.
                """
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let source = try shared.load().source ?? "no file, the defaults"
            if shared.json {
                return try Output.put(json: ["configuration": source, "status": "ok"])
            }
            Output.line("\(source): ok")
        }
    }
}
