internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

@main
struct ParamedicCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paramedic",
        abstract: "Says what a link really does, measured against a reflector that you own.",
        discussion: """
            Pair once with the line that `reflector pair` prints, then run `paramedic run` for the whole examination, or one
            test by itself. Results go to standard output, everything else to standard error.

            Exit codes: 0 success, 1 failure, 4 denied by the reflector, 64 wrong usage, 130 interrupted.
            """,
        version: "paramedic \(BuildVersion.line)",
        subcommands: [
            IDCommand.self, PairCommand.self, ReflectorsCommand.self, LatencyCommand.self, ThroughputCommand.self,
            BufferbloatCommand.self, PathCommand.self, RunCommand.self, HistoryCommand.self, ReportCommand.self,
        ]
    )

    static func main() async {
        let arguments = CommandLineOrder.normalise(
            Array(CommandLine.arguments.dropFirst()),
            valued: ["--config", "-c", "--log-level", "--state", "--reflector", "-r"],
            flags: ["--json"]
        )
        do {
            try await Interruption.cancelling {
                var command = try parseAsRoot(arguments)
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            }
        } catch {
            CommandFailure.exit(error, of: Self.self)
        }
    }
}

/// Options that every command takes, before or after its name.
struct SharedOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where identity, reflectors and history are. [env: PARAMEDIC_STATE]", valueName: "folder")
    )
    var state: String?

    @Flag(help: "Print results as JSON.")
    var json = false

    func store() throws -> ParamedicStore {
        let environment = ProcessInfo.processInfo.environment
        return try ParamedicStore(folder: state ?? ParamedicStore.defaultFolder(environment: environment))
    }
}

/// Which reflector, and how to reach its tests.
struct ReflectorOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Which of the paired reflectors; not needed when there is one.", valueName: "name")
    )
    var reflector: String?

    @Option(help: ArgumentHelp("Longest wait when the reflector is busy or in cooldown.", valueName: "seconds"))
    var wait = Examiner.defaultPatience

    @Option(help: ArgumentHelp("The iperf3 to run.", valueName: "path"))
    var iperf3 = "iperf3"

    /// Connects to the chosen reflector and runs `body` with it.
    func examine<Result>(
        _ store: ParamedicStore,
        _ body: (Examiner, KnownReflector) async throws -> Result
    ) async throws -> Result {
        let known = try store.reflector(reflector)
        let examiner = try await Examiner.connect(
            to: known.address,
            key: try store.key(at: nil),
            iperfPath: iperf3,
            patience: wait
        ) { Live.notice($0) }
        do {
            let result = try await body(examiner, known)
            await examiner.close()
            return result
        } catch {
            await examiner.close()
            throw error
        }
    }
}
