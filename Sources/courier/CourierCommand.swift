internal import ArgumentParser
internal import CommandLineTool
internal import FileTransferNode
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import Operations
internal import TOMLConfiguration
internal import UserState

@main
struct CourierCommand: Tool {
    static let configuration = CommandConfiguration(
        commandName: "courier",
        abstract:
            "Sends files and folders from one machine of yours to another: encrypted, verified, with no third party.",
        discussion: """
            On the machine that receives, which prints a ticket:
              courier receive --to ~/incoming

            On the machine that sends:
              courier send FILE FOLDER courier:…

            Exit codes: 0 success, 1 failure of this machine's files, 3 network, 4 refused, 5 peer, 6 integrity, 64 \
            wrong usage, 74 standard output could not be written, 78 configuration, 130 interrupted.
            """,
        version: "courier \(BuildVersion.line)",
        subcommands: [
            SendCommand.self, ReceiveCommand.self, ServeCommand.self, PeerCommand.self, PingCommand.self,
            HistoryCommand.self,
            ReceiptCommand.self, HashCommand.self, IdentityCommand.self, ConfigCommand.self,
        ]
    )

    static func main() async { await start() }

    static let sharedOptions: Set = ["--key", "--config"]

    static func run(_ command: sending any ParsableCommand, arguments: [String]) async throws {
        // Parsed again in the task that can be canceled: a parsed command cannot be sent there.
        // A running `serve` reads its configuration again when the terminal's signal comes.
        let signals = TerminationSignals.all.filter { $0 != SIGHUP || !(command is ServeCommand) }
        try await Interruption.canceling(signals) { try await run(parseAsRoot(arguments)) }
    }

    static func failure(for error: any Error) -> ToolFailure {
        switch error {
        case is CancellationError: ToolFailure("interrupted", exitCode: ToolFailure.interrupted)
        case let error as ConfigurationError: ToolFailure(error.description, exitCode: ToolFailure.configuration)
        // It may quote the peer.
        case let error as TransferError: ToolFailure(LogText.plain(error.description), exitCode: code(of: error.kind))
        default: ToolFailure("\(error)", exitCode: 1)
        }
    }

    private static func code(of kind: TransferError.Kind) -> Int32 {
        switch kind {
        case .local: 1
        case .network: 3
        case .refused: 4
        case .peer: 5
        case .integrity: 6
        }
    }
}

/// Options of every command, before or after its name.
struct SharedOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "This machine's identity key; created there if there is none. Default: the one that this user's tools share.",
            valueName: "file"
        )
    )
    var key: String?

    @Option(help: ArgumentHelp("The configuration file. [env: COURIER_CONFIG]", valueName: "path"))
    var config: String?

    @Flag(help: "Print results as JSON.")
    var json = false

    func validate() throws {
        if config == "" { throw ValidationError("--config: the path is empty; give the file's path") }
        if key == "" { throw ValidationError("--key: the path is empty; give the file's path") }
    }

    /// Where values of chunks of files that were sent in part are kept.
    var valuesFolder: String { UserFolder.ofProcess.path + "/courier-values" }

    func configuration() throws -> CourierConfiguration {
        try CourierConfiguration.load(path: config, environment: ProcessInfo.processInfo.environment)
    }

    /// This machine's identity, created on first use.
    func identity(_ configuration: CourierConfiguration? = nil) throws -> IdentityKey {
        if let key = try key ?? (configuration ?? self.configuration()).privateKeyPath {
            return try IdentityKey.loadOrCreate(at: key)
        }
        return try UserFolder.opened().key()
    }
}

extension UserFolder {
    static var ofProcess: UserFolder { UserFolder(environment: ProcessInfo.processInfo.environment) }

    /// The folder that this user's tools share, made if it is missing. Says what it took over.
    static func opened() throws -> UserFolder {
        let user = ofProcess
        if let taken = try user.open(for: "courier") { CourierCommand.say("\(taken)") }
        return user
    }
}
