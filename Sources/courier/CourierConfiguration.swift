internal import FileTransfer
internal import FileTransferNode
internal import PacketIO
internal import TOMLConfiguration

/// The configuration in `courier.toml`. Each key can also be set as `COURIER_SECTION_KEY` in the environment.
struct CourierConfiguration {
    /// The path of the file; nil if there is none.
    var source: String?
    /// `identity.private_key_path`: a key elsewhere than in the folder that the user's tools share.
    var privateKeyPath: String?
    /// `serve.folder`
    var folder = "."
    /// `serve.listen_address`
    var listenAddress = InternetAddress(.anyIPv4, port: PeerLocation.defaultPort)
    /// `serve.on_conflict`
    var onConflict = ConflictPolicy.refuse
    /// `serve.durable`
    var isDurable = false
    /// `serve.max_transfers`
    var maxTransfers = CourierConfiguration.defaultTransfers
    /// `send.congestion`
    var congestion = CongestionControl.Algorithm.cubic
    /// `send.limit_rate`
    var rateLimit: BitRate?

    static let defaultTransfers = 8
    private static let tool = "courier"

    /// Reads the first file of: `path` (`--config`), `COURIER_CONFIG`, /etc, the user's configuration folder.
    static func load(path: String?, environment: [String: String]) throws -> CourierConfiguration {
        let location = ConfigurationLookup(name: tool).find(flag: path, environment: environment)
        let document = try location.map { try TOMLDocument.load(path: $0.path) } ?? .empty
        return try read(document, environment)
    }

    private static func read(
        _ document: TOMLDocument,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> CourierConfiguration {
        var reader = TOMLReader(document)
        var variables: Set = [ConfigurationLookup(name: tool).variable]
        func override(_ section: String, _ key: String) -> ConfigurationOverride? {
            let name = "\(tool)_\(section)_\(key)".uppercased()
            variables.insert(name)
            return .strongest(flag: nil, environment: (name, environment))
        }
        var configuration = CourierConfiguration()
        configuration.source = document.path.isEmpty ? nil : document.path
        configuration.privateKeyPath = reader.optionalString(
            "identity",
            "private_key_path",
            override: override("identity", "private_key_path")
        )
        configuration.folder = reader.string(
            "serve",
            "folder",
            default: configuration.folder,
            override: override("serve", "folder")
        )
        configuration.listenAddress = reader.parsed(
            "serve",
            "listen_address",
            default: configuration.listenAddress,
            expected: "an address and a port",
            example: "\"0.0.0.0:4900\"",
            override: override("serve", "listen_address")
        ) { InternetAddress($0) }
        configuration.onConflict = reader.enumeration(
            "serve",
            "on_conflict",
            default: configuration.onConflict,
            override: override("serve", "on_conflict")
        )
        configuration.isDurable = reader.bool(
            "serve",
            "durable",
            default: configuration.isDurable,
            override: override("serve", "durable")
        )
        configuration.maxTransfers = reader.integer(
            "serve",
            "max_transfers",
            in: 1...FileReceiving.mostPlaces,
            default: configuration.maxTransfers,
            override: override("serve", "max_transfers")
        )
        configuration.congestion = reader.enumeration(
            "send",
            "congestion",
            default: configuration.congestion,
            override: override("send", "congestion")
        )
        configuration.rateLimit = reader.parsed(
            "send",
            "limit_rate",
            default: configuration.rateLimit,
            expected: "bits a second from 10K on",
            example: "\"20M\"",
            override: override("send", "limit_rate")
        ) { BitRate($0).map(Optional.some) }
        let variablesOfTool = EnvironmentVariables(prefix: "\(tool)_".uppercased(), values: environment)
        reader.refuseUnknown(variablesOfTool, known: variables)
        try reader.finish()
        return configuration
    }
}
