internal import ArgumentParser
internal import Glibc
internal import Identity
internal import LinkMeasurement
internal import Operations
internal import Reflector

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the endpoint.",
        discussion: """
            Creates the machine's identity on first run, then listens until SIGTERM or SIGINT: it ends running tests, settles \
            their accounts and exits 0. A second signal exits at once. SIGHUP reloads access.authorized_peers and \
            logging.level.
            """
    )

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Listen here instead, e.g. 0.0.0.0:7100 or [::]:4000.", valueName: "addr"),
        transform: { try ListenAddress(parsing: $0) }
    )
    var bind: ListenAddress?

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let (shared, bind) = (shared, bind)
        let configuration = try shared.load(bind: bind)
        let json = shared.json
        try await ServerProcess.run(
            configuration,
            showsToken: !json && isatty(STDOUT_FILENO) == 1,
            reading: { try shared.load(bind: bind) }
        ) { started in
            // Not with the writer that exits if the reader has gone: the server continues.
            if json {
                print((try? JSONText.pretty(StartedOutput(started, mode: configuration.mode))) ?? "", terminator: "")
            } else {
                print(Self.greeting(started, mode: configuration.mode), terminator: "")
            }
            fflush(nil)
        }
    }

    private static func greeting(_ started: ReflectorServer.Started, mode: DataMode) -> String {
        var rows = [
            KeyValueBlock.Row("Endpoint ID", started.endpointID.description),
            KeyValueBlock.Row("Listen", started.listen.description),
            KeyValueBlock.Row("Mode", mode.title),
        ]
        if let health = started.health { rows.append(.init("Health", "http://\(health)/health")) }
        var footer: [String] = []
        if let offer = started.pairing {
            footer = PairingText.lines(offer)
        } else {
            footer = ["Pair a machine with: reflector pair --ttl 10m"]
        }
        return KeyValueBlock(
            title: "PacketParamedic Reflector",
            rows: rows,
            gap: 1,
            ruleLength: 24,
            footer: footer
        ).text
    }
}

extension DataMode {
    /// The title of the greeting.
    var title: String {
        switch self {
        case .tunneled: "Tunneled"
        case .directEphemeral: "Direct Ephemeral"
        }
    }
}

/// The first line of `serve --json`.
private struct StartedOutput: Encodable {
    var endpointID: String
    var listen: String
    var health: String?
    var mode: String
    var newIdentity: Bool

    init(_ started: ReflectorServer.Started, mode: DataMode) {
        endpointID = started.endpointID.description
        listen = started.listen.description
        health = started.health?.description
        self.mode = mode.rawValue
        newIdentity = started.isNewIdentity
    }

    enum CodingKeys: String, CodingKey {
        case endpointID = "endpoint_id"
        case listen, health, mode
        case newIdentity = "new_identity"
    }
}
