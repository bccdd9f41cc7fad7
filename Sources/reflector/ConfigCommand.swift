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
            discussion: "Exits 0 when it is, and 78 with every problem's file, line and key when it is not."
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let configuration = try shared.load()
            let source = configuration.source ?? "no file, the defaults"
            if shared.json { return try JSONOutput.print(["configuration": source, "status": "ok"]) }
            print("\(source): ok")
        }
    }
}
