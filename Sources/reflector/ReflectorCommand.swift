internal import ArgumentParser
internal import CommandLineTool
internal import FoundationEssentials
internal import Operations
internal import Reflector

@main
struct ReflectorCommand: Tool {
    static let configuration = CommandConfiguration(
        commandName: "reflector",
        abstract:
            "A measuring endpoint that you own: throughput and latency for the peers that you paired, and only for them.",
        discussion: """
            Start it with `reflector serve`, pair a machine with `reflector pair`, and measure from there with \
            `paramedic`. Everything it stores is in one folder, and its configuration is one file, reflector.toml.

            Exit codes: 0 success, 1 failure, 2 self-test NOT READY or a damaged audit log, 3 no reflector is running, \
            64 wrong usage, 74 standard output could not be written, 78 wrong configuration.
            """,
        version: "reflector \(BuildVersion.line)",
        subcommands: [
            ServeCommand.self, PairCommand.self, PeersCommand.self, StatusCommand.self, ShowIDCommand.self,
            RotateIdentityCommand.self, SelfTestCommand.self, AuditCommand.self, ConfigCommand.self,
        ]
    )

    static func main() async { await start() }

    static let sharedOptions: Set = ["--config", "-c", "--log-level", "--state"]

    static func prepare() { ProcessMemory.limitRetention() }
}

/// Options of every command, before or after its name.
struct SharedOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The configuration file. [env: REFLECTOR_CONFIG]", valueName: "path")
    )
    var config: String?

    @Option(
        help: ArgumentHelp("What to log: trace, debug, info, warn, error.", valueName: "level"),
        transform: { try LogLevelName(parsing: $0) }
    )
    var logLevel: LogLevelName?

    @Option(
        help: ArgumentHelp(
            """
            Where identity, peers, accounts and audit log are stored. Default: the folder of identity.private_key_path, \
            /var/lib/reflector; $XDG_STATE_HOME/reflector, else ~/.local/state/reflector, if the user may not write there.
            """,
            valueName: "folder"
        )
    )
    var state: String?

    @Flag(help: "Print results as JSON.")
    var json = false

    func validate() throws {
        if config == "" { throw ValidationError("--config: the path is empty; give the file's path") }
        if state == "" { throw ValidationError("--state: the path is empty; give the folder's path") }
    }

    func load(bind: ListenAddress? = nil) throws -> ReflectorConfiguration {
        try ReflectorConfiguration.load(
            path: config,
            state: state,
            bind: bind?.description,
            logLevel: logLevel?.rawValue,
            environment: ProcessInfo.processInfo.environment
        )
    }
}
