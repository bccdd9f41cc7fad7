internal import Files
internal import Glibc
internal import Identity
internal import LinkMeasurement
internal import Operations
package import TOMLConfiguration

extension ReflectorConfiguration {
    /// The tool's name in file names and variables.
    static let tool = "reflector"

    /// Reads the first of: `path` (`--config`), `REFLECTOR_CONFIG`, /etc, the user's configuration folder; the defaults
    /// if there is none. `REFLECTOR_SECTION_KEY` in the environment wins over the file.
    ///
    /// - Parameters:
    ///   - state: the folder of `--state`; its key wins over `identity.private_key_path`.
    ///   - mayUseSystemFolder: whether this user is root, or may write in ``systemFolder``.
    package static func load(
        path: String?,
        state: String? = nil,
        bind: String? = nil,
        logLevel: String? = nil,
        environment: [String: String],
        mayUseSystemFolder: Bool = geteuid() == 0 || StateFiles.isWritableFolder(systemFolder)
    ) throws -> ReflectorConfiguration {
        let location = ConfigurationLookup(name: tool).find(flag: path, environment: environment)
        let document = try location.map { try TOMLDocument.load(path: $0.path) } ?? .empty
        return try read(
            document,
            state: state,
            bind: bind,
            logLevel: logLevel,
            environment: environment,
            mayUseSystemFolder: mayUseSystemFolder
        )
    }

    package static func read(
        _ document: TOMLDocument,
        state: String? = nil,
        bind: String? = nil,
        logLevel: String? = nil,
        environment: [String: String] = [:],
        mayUseSystemFolder: Bool = true
    ) throws(ConfigurationError) -> ReflectorConfiguration {
        var reader = TOMLReader(document)
        var configuration = ReflectorConfiguration()
        configuration.source = document.path.isEmpty ? nil : document.path
        var variables: Set = [ConfigurationLookup(name: tool).variable]
        func override(_ section: String, _ key: String, flag: (name: String, value: String?)? = nil)
            -> ConfigurationOverride?
        {
            let name = "\(tool)_\(section)_\(key)".uppercased()
            variables.insert(name)
            return .strongest(flag: flag, environment: (name, environment))
        }
        func integer(_ section: String, _ key: String, _ range: ClosedRange<Int>, _ value: inout Int) {
            value = reader.integer(section, key, in: range, default: value, override: override(section, key))
        }
        func bool(_ section: String, _ key: String, _ value: inout Bool) {
            value = reader.bool(section, key, default: value, override: override(section, key))
        }
        func address(
            _ section: String,
            _ key: String,
            flag: (name: String, value: String?)? = nil,
            _ value: inout ListenAddress
        ) {
            value = reader.parsed(
                section,
                key,
                default: value,
                expected: ListenAddress.expected,
                example: ListenAddress.example,
                override: override(section, key, flag: flag)
            ) { ListenAddress($0) }
        }
        func string(_ section: String, _ key: String, _ value: inout String) {
            value = reader.string(section, key, default: value, override: override(section, key))
        }

        if !mayUseSystemFolder {
            configuration.privateKeyPath = keyPath(inFolder: UserFolders.state(environment: environment) + "/\(tool)")
        }
        configuration.privateKeyPath = reader.string(
            "identity",
            "private_key_path",
            default: configuration.privateKeyPath,
            override: override(
                "identity",
                "private_key_path",
                flag: ("--state", state.map { keyPath(inFolder: $0) })
            )
        )
        configuration.usesOwnFolder =
            !mayUseSystemFolder && reader.sources["identity.private_key_path"] == .builtIn

        address("network", "listen_address", flag: ("--bind", bind), &configuration.listen)
        var alpn = configuration.alpn
        string("network", "alpn", &alpn)
        if alpn != configuration.alpn {
            reader.note(
                "network",
                "alpn",
                "must be \"\(configuration.alpn)\", the only protocol of reflectors and their clients",
                remedy: "remove the key"
            )
        }
        bool("network", "require_alpn", &configuration.requireALPN)
        configuration.mode = reader.enumeration(
            "network",
            "mode",
            default: configuration.mode,
            override: override("network", "mode")
        )
        var first = configuration.dataPorts.lowerBound
        var last = configuration.dataPorts.upperBound
        integer("network", "data_port_range_start", 1...65_535, &first)
        integer("network", "data_port_range_end", 1...65_535, &last)
        if first <= last {
            configuration.dataPorts = first...last
        } else {
            // The problem is noted at a key that is set: the other one may be the default.
            if reader.sources["network.data_port_range_end"] != .builtIn {
                reader.note(
                    "network",
                    "data_port_range_end",
                    "invalid last port \(last): must not be below data_port_range_start, \(first)",
                    remedy: "write the first and the last port of the range"
                )
            } else {
                reader.note(
                    "network",
                    "data_port_range_start",
                    "invalid first port \(first): must not be above data_port_range_end, \(last)",
                    remedy: "set data_port_range_end as well"
                )
            }
        }
        let position = override("network", "position")
        if reader.isSet("network", "position") || position != nil {
            configuration.networkPosition = reader.enumeration(
                "network",
                "position",
                default: NetworkPosition.unknown,
                override: position
            )
        } else {
            _ = reader.enumeration("network", "position", default: NetworkPosition.unknown)
        }

        bool("access", "pairing_enabled", &configuration.pairingEnabled)
        for text in reader.stringList(
            "access",
            "authorized_peers",
            default: [],
            override: override("access", "authorized_peers")
        ) {
            do {
                configuration.authorizedPeers.append(try EndpointID(parsing: text))
            } catch {
                reader.note(
                    "access",
                    "authorized_peers",
                    "invalid Endpoint ID \"\(text.printable(limit: 80))\": \(error)",
                    remedy: "copy what `paramedic id` prints on the peer"
                )
            }
        }

        integer("quotas", "max_test_duration_sec", 1...86_400, &configuration.quotas.maxTestDurationSec)
        integer("quotas", "max_concurrent_tests", 1...1_000, &configuration.quotas.maxConcurrentTests)
        integer("quotas", "max_tests_per_hour_per_peer", 1...1_000_000, &configuration.quotas.maxTestsPerHourPerPeer)
        integer("quotas", "max_bytes_per_day_per_peer", 1...(1 << 60), &configuration.quotas.maxBytesPerDayPerPeer)
        integer("quotas", "cooldown_sec", 0...86_400, &configuration.quotas.cooldownSec)
        bool("quotas", "allow_udp_echo", &configuration.quotas.allowUDPEcho)
        bool("quotas", "allow_throughput", &configuration.quotas.allowThroughput)

        string("iperf3", "path", &configuration.iperfPath)
        integer("iperf3", "max_streams", 1...128, &configuration.quotas.maxStreams)
        let explicit = reader.isSet("iperf3", "default_streams")
        integer("iperf3", "default_streams", 1...128, &configuration.quotas.defaultStreams)
        if configuration.quotas.defaultStreams > configuration.quotas.maxStreams {
            if explicit {
                reader.note(
                    "iperf3",
                    "default_streams",
                    "must not be above max_streams, \(configuration.quotas.maxStreams)",
                    remedy: "lower it or raise max_streams"
                )
            }
            configuration.quotas.defaultStreams = configuration.quotas.maxStreams
        }

        let level = LogLevelName(rawValue: configuration.logLevel) ?? .info
        configuration.logLevel =
            reader.enumeration(
                "logging",
                "level",
                default: level,
                override: override("logging", "level", flag: ("--log-level", logLevel))
            ).rawValue
        configuration.logFormat =
            reader.enumeration(
                "logging",
                "format",
                default: StandardErrorLog.Format.text,
                override: override("logging", "format")
            ).rawValue
        configuration.auditLogPath = configuration.stateFolder + "/audit.jsonl"
        string("logging", "audit_log_path", &configuration.auditLogPath)

        bool("health", "enabled", &configuration.healthEnabled)
        address("health", "listen_address", &configuration.healthListen)

        integer("limits", "handshake_timeout_sec", 1...300, &configuration.limits.handshakeTimeoutSec)
        integer("limits", "first_frame_timeout_sec", 1...300, &configuration.limits.firstFrameTimeoutSec)
        integer("limits", "idle_timeout_sec", 1...86_400, &configuration.limits.idleTimeoutSec)
        integer("limits", "max_connections", 1...65_536, &configuration.limits.maxConnections)
        integer("limits", "max_connections_per_address", 1...65_536, &configuration.limits.maxConnectionsPerAddress)
        integer("limits", "max_connections_per_peer", 1...65_536, &configuration.limits.maxConnectionsPerPeer)
        integer("limits", "max_outstanding_requests", 1...1_024, &configuration.limits.maxOutstandingRequests)
        integer("limits", "udp_echo_max_pps", 1...10_000_000, &configuration.limits.udpEchoMaxPps)
        integer("limits", "shutdown_timeout_sec", 1...300, &configuration.shutdownTimeoutSec)
        let needed = configuration.connectionsOfLargestTest
        for (key, limit) in [
            ("max_connections", \ConnectionLimits.maxConnections),
            ("max_connections_per_peer", \ConnectionLimits.maxConnectionsPerPeer),
        ] where configuration.limits[keyPath: limit] < needed {
            if reader.sources["limits.\(key)"] != .builtIn {
                reader.note(
                    "limits",
                    key,
                    "must be at least \(needed): a tunneled test with iperf3.max_streams, "
                        + "\(configuration.quotas.maxStreams), in both directions needs so many",
                    remedy: "raise it or lower max_streams"
                )
            }
            configuration.limits[keyPath: limit] = needed
        }
        configuration.limits.growControlBudget(forTestsOf: needed)
        let environment = EnvironmentVariables(prefix: "\(tool)_".uppercased(), values: environment)
        reader.refuseUnknown(environment, known: variables)
        try reader.finish()
        return configuration
    }

    /// Connections of the control port that one test may need: a tunnel for each stream in both directions, two for
    /// iperf3's own connection and the latency probe, and the one that requested the test. In direct mode the streams
    /// use other ports.
    private var connectionsOfLargestTest: Int { mode == .tunneled ? 2 * quotas.maxStreams + 3 : 1 }
}
