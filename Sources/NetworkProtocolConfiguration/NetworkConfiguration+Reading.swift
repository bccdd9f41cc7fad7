internal import NetworkProtocol
internal import Operations
internal import TOMLConfiguration

extension NetworkConfiguration {
    /// Reads a file, and the environment variables that override it.
    ///
    /// - Parameters:
    ///   - path: nil for the defaults.
    ///   - environment: the process's, or an empty one for none. `NETWORK_PROTOCOL_SECTION_KEY` wins over the file's
    ///     `section.key`; four keys also have a shorter name: `NETWORK_PROTOCOL_BACKPRESSURE_LIMIT`,
    ///     `NETWORK_PROTOCOL_HEARTBEAT_INTERVAL_MS` (of the server) and `NETWORK_PROTOCOL_CONNECTION_TIMEOUT_MS` (of
    ///     both). An empty variable counts as unset.
    /// - Throws: all problems at once.
    public static func load(
        path: String?,
        environment: [String: String]
    ) throws(NetworkConfigurationError) -> NetworkConfiguration {
        do throws(ConfigurationError) {
            return try read(
                path.map { path throws(ConfigurationError) in try TOMLDocument.load(path: path) } ?? .empty,
                environment
            )
        } catch {
            throw NetworkConfigurationError(error)
        }
    }

    /// Reads TOML that is not in a file of its own.
    ///
    /// - Parameter path: its name in errors.
    public init(
        toml text: String,
        path: String = "configuration",
        environment: [String: String] = [:]
    ) throws(NetworkConfigurationError) {
        do throws(ConfigurationError) {
            self = try NetworkConfiguration.read(TOMLDocument(parsing: Array(text.utf8), path: path), environment)
        } catch {
            throw NetworkConfigurationError(error)
        }
    }

    private static func read(
        _ document: TOMLDocument,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> NetworkConfiguration {
        var keys = NetworkConfigurationKeys(document, environment)
        var configuration = NetworkConfiguration()
        configuration.server = Server(&keys)
        configuration.client = Client(&keys)
        configuration.transport = Transport(&keys)
        configuration.logging = Log(&keys)
        for (section, key) in [
            ("server", "address"), ("client", "address"), ("transport", "encryption_enabled"),
            ("logging", "log_file_path"),
        ] {
            configuration.places["\(section).\(key)"] = keys.place(section, key)
        }
        try keys.finish()
        return configuration
    }
}

extension NetworkConfiguration.Server {
    fileprivate init(_ keys: inout NetworkConfigurationKeys) {
        let section = "server"
        keys.address(section, &address)
        keys.integer(section, "backpressure_limit", 1...65_536, &backpressureLimit, "BACKPRESSURE_LIMIT")
        keys.milliseconds(section, "connection_timeout", 100...300_000, &connectionTimeout, "CONNECTION_TIMEOUT_MS")
        keys.milliseconds(section, "heartbeat_interval", 100...3_600_000, &heartbeatInterval, "HEARTBEAT_INTERVAL_MS")
        keys.milliseconds(section, "shutdown_timeout", 10...3_600_000, &shutdownTimeout)
        keys.integer(section, "max_connections", 1...1_000_000, &maximumConnections)
    }
}

extension NetworkConfiguration.Client {
    fileprivate init(_ keys: inout NetworkConfigurationKeys) {
        let section = "client"
        keys.address(section, &address)
        if case .tcp(_, port: 0) = address {
            keys.reader.note(section, "address", "port 0 cannot be connected to", remedy: "write the daemon's port")
        }
        keys.milliseconds(section, "connection_timeout", 100...300_000, &connectionTimeout, "CONNECTION_TIMEOUT_MS")
        keys.milliseconds(section, "operation_timeout", 10...3_600_000, &operationTimeout)
        keys.milliseconds(section, "response_timeout", 10...3_600_000, &responseTimeout)
        keys.milliseconds(section, "heartbeat_interval", 100...3_600_000, &heartbeatInterval)
        keys.bool(section, "auto_reconnect", &isReconnecting)
        keys.integer(section, "max_reconnect_attempts", 1...1_000_000, &maximumReconnectAttempts)
        keys.milliseconds(section, "reconnect_delay", 1...3_600_000, &reconnectDelay)
    }
}

extension NetworkConfiguration.Transport {
    fileprivate init(_ keys: inout NetworkConfigurationKeys) {
        let section = "transport"
        keys.bool(section, "compression_enabled", &isCompressing)
        keys.enumeration(section, "compression_algorithm", &compressionAlgorithm)
        compressionLevel = compressionAlgorithm.defaultLevel
        keys.integer(section, "compression_level", compressionAlgorithm.levels, &compressionLevel)
        keys.integer(
            section,
            "compression_threshold_bytes",
            0...CompressionAlgorithm.maximumDecompressedLength,
            &compressionThreshold
        )
        keys.bool(section, "encryption_enabled", &isEncrypting)
        keys.integer(
            section,
            "max_payload_size",
            HandshakeLimits.maximumPayloadLength...PacketHeader.maximumPayloadLength,
            &maximumPayloadLength
        )
        var name = FormatName(format)
        keys.enumeration(section, "format", &name)
        format = name.format
    }

    private enum FormatName: String, CaseIterable {
        case bincode, json, messagepack

        init(_ format: MessageFormat) {
            self =
                switch format {
                case .bincode: .bincode
                case .json: .json
                case .messagePack: .messagepack
                }
        }

        var format: MessageFormat {
            switch self {
            case .bincode: .bincode
            case .json: .json
            case .messagepack: .messagePack
            }
        }
    }
}

extension NetworkConfiguration.Log {
    fileprivate init(_ keys: inout NetworkConfigurationKeys) {
        let section = "logging"
        applicationName = keys.text(section, "app_name")
        var name = LogLevelName(level)
        keys.enumeration(section, "log_level", &name)
        level = name.level
        keys.bool(section, "log_to_console", &isToConsole)
        keys.bool(section, "log_to_file", &isToFile)
        filePath = keys.text(section, "log_file_path")
        if isToFile, filePath == nil {
            keys.reader.note(
                section,
                "log_to_file",
                "is true, and no file is named",
                remedy: "write log_file_path = \"/var/log/….log\""
            )
        }
        keys.bool(section, "json_format", &isJSON)
    }
}
