internal import ArgumentParser
internal import Logging
internal import NetworkProtocol
internal import Operations
internal import StrictJSON

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer `packetbench measure` until a signal comes.",
        discussion: """
            Prints where it listens once it does; port 0 is any that is free. SIGTERM and SIGINT end it when what is under way is \
            done, at the latest after 30 seconds.
            """
    )

    @Argument(
        help: ArgumentHelp("Where to listen: \(BenchAddress.forms).", valueName: "address"),
        transform: { try BenchAddress(parsing: $0, ports: 0...65_535) }
    )
    var address: BenchAddress

    @OptionGroup(title: "Trust")
    var trust: TrustOptions

    @OptionGroup(title: "TLS")
    var tls: TLSOptions

    @Option(help: ArgumentHelp("Connections at once: 1 to 100000.", valueName: "count"))
    var maxConnections = 1_000

    @Option(
        help: ArgumentHelp("What to log: trace, debug, info, warn, error. (default: info)", valueName: "level"),
        transform: { try LogLevelName(parsing: $0) }
    )
    var logLevel = LogLevelName.info

    @Flag(help: "Print where it listens as JSON.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(maxConnections) else {
            throw ValidationError("--max-connections \(maxConnections): give a number from 1 to 100000")
        }
    }

    func run() async throws {
        StandardErrorLog.bootstrap(level: logLevel, format: .text)
        _ = DescriptorLimit.raise()
        var options = DaemonOptions()
        options.maximumConnections = maxConnections
        let daemon = Daemon(
            listening: [try trust.listener(address, tls)],
            dispatcher: BenchService.dispatcher(),
            options: options,
            logger: Logger(label: "packetbench")
        )
        async let greeting: Void = greet(daemon)
        do {
            try await daemon.runUntilSignal()
        } catch {
            await greeting
            throw error
        }
        await greeting
    }

    /// Prints where it listens, in a form that `measure` accepts; nothing if it cannot listen.
    private func greet(_ daemon: Daemon) async {
        let scheme = if case .tls = address { "tls:" } else { "" }
        let addresses = await daemon.addresses().map { scheme + $0 }
        guard !addresses.isEmpty else { return }
        if json {
            let list = JSONValue.array(addresses.map { .string($0) })
            StandardOutput.write(JSONValue.object([.init("listening", list)]).text + "\n")
        } else {
            StandardOutput.write("listening on \(addresses.joined(separator: ", "))\n")
        }
    }
}
