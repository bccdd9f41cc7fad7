internal import ArgumentParser
internal import Operations
internal import TOMLConfiguration

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check the configuration.",
        subcommands: [Check.self]
    )

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the configuration file and the environment.",
            discussion: ConfigurationCheck.discussion
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let check = try ConfigurationCheck { try shared.configuration().source }
            CommandOutput.put(try check.answer(asJSON: shared.json))
            if !check.isGood { throw ExitCode(ConfigurationCheck.faultyCode) }
        }
    }
}
