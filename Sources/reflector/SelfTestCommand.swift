internal import ArgumentParser
internal import Reflector

struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-test",
        abstract: "Check whether this host can sustain tests of 1 Gbit/s.",
        discussion: "Exits 0 for READY and DEGRADED, 2 for NOT READY."
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        throw ExitCode(1)
    }
}
