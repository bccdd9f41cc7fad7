internal import ArgumentParser
internal import Identity
internal import Logging
internal import NetworkProtocol
internal import Operations

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer `packetbench measure` until a signal comes."
    )

    @Argument(help: ArgumentHelp("Where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH.", valueName: "address"))
    var address: BenchAddress

    @OptionGroup
    var trust: TrustOptions

    @Option(help: ArgumentHelp("Connections at once.", valueName: "count"))
    var maxConnections = 1_000

    @Option(
        help: ArgumentHelp("What to log: trace, debug, info, warn, error.", valueName: "level"),
        transform: { try LogLevelName(parsing: $0) }
    )
    var logLevel: LogLevelName?

    func validate() throws {
        guard (1...100_000).contains(maxConnections) else {
            throw ValidationError("--max-connections \(maxConnections): give a number from 1 to 100000")
        }
    }

    func run() async throws {
        StandardErrorLog.bootstrap(level: logLevel ?? .info, format: .text)
        _ = DescriptorLimit.raise()
        var options = DaemonOptions()
        options.maximumConnections = maxConnections
        let daemon = Daemon(
            listening: [try trust.listener(address)],
            dispatcher: BenchService.dispatcher(),
            options: options,
            logger: Logger(label: "packetbench")
        )
        try await daemon.runUntilSignal()
    }
}
