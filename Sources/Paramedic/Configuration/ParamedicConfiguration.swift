package import LinkMeasurement
package import Operations
package import TOMLConfiguration
package import UserState

/// The configuration in `paramedic.toml`. Each key can also be set as `PARAMEDIC_SECTION_KEY` in the environment.
package struct ParamedicConfiguration: Sendable, Equatable {
    /// The path of the file; nil if there is none.
    package var source: String?
    /// `state.folder`: identity, reflectors and history; `PARAMEDIC_STATE` and `--state` win.
    package var stateFolder: String
    /// The folder of identity and reflectors if neither a state folder nor a key is given; nil if one is.
    package var userFolder: UserFolder?
    /// `identity.private_key_path`: a key elsewhere than in the state folder.
    package var privateKeyPath: String?
    /// `defaults.reflector`: the reflector if none is named.
    package var reflector: String?
    /// `defaults.wait_sec`: longest wait if a reflector denies a test for now.
    package var waitSec = Examiner.defaultPatience
    /// `defaults.streams`
    package var streams: Int?
    /// `defaults.engine`
    package var engine: ThroughputEngine?
    /// `iperf3.path`
    package var iperfPath = "iperf3"
    /// `logging.level`
    package var logLevel = LogLevelName.warn
    /// `logging.format`
    package var logFormat = StandardErrorLog.Format.text

    static let tool = "paramedic"

    /// The given key, else the state folder's.
    package var keyPath: String { privateKeyPath ?? stateFolder + "/identity.ed25519" }

    /// Reads the first file of: `path` (`--config`), `PARAMEDIC_CONFIG`, /etc, the user's configuration folder.
    package static func load(
        path: String?,
        state: String? = nil,
        logLevel: String? = nil,
        environment: [String: String]
    ) throws -> ParamedicConfiguration {
        let location = ConfigurationLookup(name: tool).find(flag: path, environment: environment)
        let document = try location.map { try TOMLDocument.load(path: $0.path) } ?? .empty
        return try read(document, state: state, logLevel: logLevel, environment: environment)
    }

    package static func read(
        _ document: TOMLDocument,
        state: String? = nil,
        logLevel: String? = nil,
        environment: [String: String] = [:]
    ) throws(ConfigurationError) -> ParamedicConfiguration {
        var reader = TOMLReader(document)
        var variables: Set = [ConfigurationLookup(name: tool).variable]
        func override(
            _ section: String,
            _ key: String,
            flag: (name: String, value: String?)? = nil,
            variable: String? = nil
        ) -> ConfigurationOverride? {
            let name = variable ?? "\(tool)_\(section)_\(key)".uppercased()
            variables.insert(name)
            return .strongest(flag: flag, environment: (name, environment))
        }
        var configuration = ParamedicConfiguration(stateFolder: ParamedicStore.defaultFolder(environment: environment))
        configuration.source = document.path.isEmpty ? nil : document.path
        configuration.stateFolder = reader.string(
            "state",
            "folder",
            default: configuration.stateFolder,
            override: override("state", "folder", flag: ("--state", state), variable: "PARAMEDIC_STATE")
        )
        configuration.privateKeyPath = reader.optionalString(
            "identity",
            "private_key_path",
            override: override("identity", "private_key_path")
        )
        if reader.sources["state.folder"] == .builtIn, configuration.privateKeyPath == nil {
            configuration.userFolder = UserFolder(environment: environment)
        }
        configuration.reflector = reader.optionalString(
            "defaults",
            "reflector",
            override: override("defaults", "reflector")
        )
        configuration.waitSec = reader.integer(
            "defaults",
            "wait_sec",
            in: 0...86_400,
            default: configuration.waitSec,
            override: override("defaults", "wait_sec")
        )
        let streams = reader.integer(
            "defaults",
            "streams",
            in: 0...128,
            default: 0,
            override: override("defaults", "streams")
        )
        configuration.streams = streams == 0 ? nil : streams
        let engine = reader.optionalString("defaults", "engine", override: override("defaults", "engine"))
        configuration.engine = engine.flatMap(ThroughputEngine.init(rawValue:))
        if let engine, configuration.engine == nil {
            reader.note(
                "defaults",
                "engine",
                "found \"\(engine.printable(limit: 40))\", expected \"native\" or \"iperf3\"",
                remedy: "write one of them, or remove the key"
            )
        }
        configuration.iperfPath = reader.string(
            "iperf3",
            "path",
            default: configuration.iperfPath,
            override: override("iperf3", "path")
        )
        configuration.logLevel = reader.enumeration(
            "logging",
            "level",
            default: configuration.logLevel,
            override: override("logging", "level", flag: ("--log-level", logLevel))
        )
        configuration.logFormat = reader.enumeration(
            "logging",
            "format",
            default: configuration.logFormat,
            override: override("logging", "format")
        )
        let environment = EnvironmentVariables(prefix: "\(tool)_".uppercased(), values: environment)
        reader.refuseUnknown(environment, known: variables)
        try reader.finish()
        return configuration
    }
}
