internal import ArgumentParser
internal import CommandLineTool
internal import FoundationEssentials
internal import Identity
internal import Operations
internal import Paramedic
internal import Peers
internal import UserState

@main
struct ParamedicCommand: Tool {
    static let configuration = CommandConfiguration(
        commandName: "paramedic",
        abstract: "Measures what a link really does, against a reflector that you own.",
        discussion: """
            Pair once with the line that `reflector pair` prints, then run `paramedic run` for the whole examination, or a \
            single test. Results go to standard output, everything else to standard error.

            Exit codes: 0 success, 1 failure, 4 denied by the reflector, 64 wrong usage, 74 standard output could not \
            be written, 78 wrong configuration, 130 interrupted.
            """,
        version: "paramedic \(BuildVersion.line)",
        subcommands: [
            IDCommand.self, PairCommand.self, ReflectorsCommand.self, LatencyCommand.self, ThroughputCommand.self,
            BufferbloatCommand.self, PathCommand.self, RunCommand.self, HistoryCommand.self, ReportCommand.self,
            ConfigCommand.self,
        ]
    )

    static func main() async { await start() }

    static let sharedOptions: Set = ["--config", "-c", "--log-level", "--state", "--reflector", "-r"]
    static let secretOptions = ["--token"]

    static func run(_ command: sending any ParsableCommand, arguments: [String]) async throws {
        defer { LiveOutput.clear() }
        // Parsed again in the task that can be canceled: a parsed command cannot be sent there.
        try await Interruption.canceling { try await run(parseAsRoot(arguments)) }
    }

    static func say(_ message: String) { LiveOutput.say(message) }
}

/// Options of every command, before or after its name.
struct SharedOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The configuration file. [env: PARAMEDIC_CONFIG]", valueName: "path")
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
            Where identity, reflectors and history are stored. Default: $XDG_STATE_HOME/outpost, which this user's tools share, and \
            $XDG_STATE_HOME/paramedic for the history; ~/.local/state if the variable is not set. [env: PARAMEDIC_STATE]
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

    func load() throws -> ParamedicConfiguration {
        try ParamedicConfiguration.load(
            path: config,
            state: state,
            logLevel: logLevel?.rawValue,
            environment: ProcessInfo.processInfo.environment
        )
    }

    /// Reads the configuration, sets up logging, and opens the state.
    func open() throws -> CommandContext {
        let configuration = try load()
        StandardErrorLog.bootstrap(level: configuration.logLevel, format: configuration.logFormat)
        return try CommandContext(configuration)
    }
}

/// What every command works with.
struct CommandContext {
    let configuration: ParamedicConfiguration
    let store: ParamedicStore

    /// Opens a state folder or, if none is given, the folder that this user's tools share; reports what was adopted.
    init(_ configuration: ParamedicConfiguration) throws {
        self.configuration = configuration
        guard let user = configuration.userFolder else {
            store = try ParamedicStore(folder: configuration.stateFolder)
            return
        }
        if let taken = try user.open(for: "paramedic") { LiveOutput.say("\(taken)") }
        let book = try AddressBook(path: user.bookPath)
        store = try ParamedicStore(folder: configuration.stateFolder, book: book)
        if let taken = try store.takeOverReflectors(into: book) { LiveOutput.say("\(taken)") }
    }

    /// This machine's key; created on first use.
    func key() throws -> IdentityKey {
        if let user = configuration.userFolder { return try user.key() }
        return try KeyFile.loadOrCreate(at: configuration.keyPath).key
    }
}
