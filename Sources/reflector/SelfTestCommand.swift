internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Reflector
internal import StrictJSON

struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-test",
        abstract: "Check whether this host can sustain tests of 1 Gbit/s.",
        discussion: "Takes about ten seconds. Exits 0 for READY and DEGRADED, 2 for NOT READY."
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let configuration = try shared.load()
        // The disk of the state folder is measured, so the folder must exist.
        try LocalState.makeFolder(configuration)
        let terminal = Terminal.of(2, environment: ProcessInfo.processInfo.environment)
        var line = ProgressLine(on: terminal)
        let report = await SelfTest.ofThisMachine(configuration).report { line.show("checking \($0)") }
        line.clear()
        if shared.json {
            CommandOutput.put(report.json.prettyText + "\n")
        } else {
            print(report.text, terminator: "")
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
