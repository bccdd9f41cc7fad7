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
    /// `send.congestion`
    var congestion = CongestionControl.Algorithm.cubic
    /// `send.limit_rate`
    var rateLimit: BitRate?

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
        let listen = reader.optionalString(
            "serve",
            "listen_address",
            override: override("serve", "listen_address")
        )
        if let listen {
            if let address = InternetAddress(listen) {
                configuration.listenAddress = address
            } else {
                reader.note(
                    "serve",
                    "listen_address",
                    "found \"\(listen.prefix(60))\", expected an address and a port",
                    remedy: "write one such as 0.0.0.0:4900 or [::]:4900"
                )
            }
        }
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
        configuration.congestion = reader.enumeration(
            "send",
            "congestion",
            default: configuration.congestion,
            override: override("send", "congestion")
        )
        let limit = reader.optionalString("send", "limit_rate", override: override("send", "limit_rate"))
        configuration.rateLimit = limit.flatMap { BitRate($0) }
        if let limit, configuration.rateLimit == nil {
            reader.note(
                "send",
                "limit_rate",
                "found \"\(limit.prefix(60))\", expected bits a second",
                remedy: "write a number from 10K on, such as \"20M\" or \"1.5G\", or remove the key"
            )
        }
        let variablesOfTool = EnvironmentVariables(prefix: "\(tool)_".uppercased(), values: environment)
        reader.refuseUnknown(variablesOfTool, known: variables)
        try reader.finish()
        return configuration
    }
}
