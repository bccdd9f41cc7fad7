public import NetworkProtocol
internal import TOMLConfiguration

extension NetworkConfiguration {
    /// The options in `[server]` and `[transport]`.
    public var daemonOptions: DaemonOptions {
        var options = DaemonOptions()
        options.connection = connectionOptions
        options.connection.channelCapacity = server.backpressureLimit
        options.connection.handshakeTimeout = server.connectionTimeout
        options.connection.heartbeatInterval = server.heartbeatInterval
        options.maximumConnections = server.maximumConnections
        options.shutdownTimeout = server.shutdownTimeout
        return options
    }

    /// The options in `[client]` and `[transport]`.
    public var clientOptions: ClientOptions {
        var options = ClientOptions()
        options.connection = connectionOptions
        options.connection.handshakeTimeout = client.connectionTimeout
        options.connection.heartbeatInterval = client.heartbeatInterval
        options.connectTimeout = client.connectionTimeout
        options.sendTimeout = client.operationTimeout
        options.responseTimeout = client.responseTimeout
        if client.isReconnecting {
            options.reconnect = .init(
                attempts: client.maximumReconnectAttempts,
                delay: client.reconnectDelay,
                maximumDelay: max(client.reconnectDelay, ClientOptions.Reconnect().maximumDelay)
            )
        }
        return options
    }

    private var connectionOptions: ConnectionOptions {
        var options = ConnectionOptions()
        options.format = transport.format
        options.maximumPayloadLength = transport.maximumPayloadLength
        if transport.isCompressing {
            options.compression = .init(
                transport.compressionAlgorithm,
                level: transport.compressionLevel,
                threshold: transport.compressionThreshold
            )
        }
        return options
    }

    // MARK: Where a daemon listens

    /// `server.address` with the library's handshake and sealed records.
    ///
    /// Throws if `transport.encryption_enabled` is false: the program does not turn on what the file turns off.
    public func listener(trust: Trust) throws(NetworkConfigurationError) -> Listener {
        try demandEncryption()
        return switch server.address {
        case .tcp(let host, let port): .tcp(host: host, port: port, trust: trust)
        case .unix(let path): .unix(path: path, trust: trust)
        }
    }

    /// `server.address` with TLS, which is for TCP only. Throws if `transport.encryption_enabled` is false.
    public func listener(tls: TLSServer) throws(NetworkConfigurationError) -> Listener {
        try demandEncryption()
        guard case .tcp(let host, let port) = server.address else { throw noTLS("server") }
        return .tls(host: host, port: port, tls)
    }

    /// `server.address` in the clear: **no peer is authenticated, and everyone on the path can read and change what is
    /// sent**; for a Unix socket the file system decides who may connect. Throws unless `transport.encryption_enabled`
    /// is false.
    public func insecurePlaintextListener() throws(NetworkConfigurationError) -> Listener {
        try demandPlaintext()
        return switch server.address {
        case .tcp(let host, let port): .insecurePlaintextTCP(host: host, port: port)
        case .unix(let path): .unix(path: path)
        }
    }

    // MARK: Where a client connects

    /// `client.address` with the library's handshake and sealed records. Throws if `transport.encryption_enabled` is
    /// false.
    public func destination(trust: Trust) throws(NetworkConfigurationError) -> Destination {
        try demandEncryption()
        return switch client.address {
        case .tcp(let host, let port): .tcp(host: host, port: port, trust: trust)
        case .unix(let path): .unix(path: path, trust: trust)
        }
    }

    /// `client.address` with TLS, which is for TCP only. Throws if `transport.encryption_enabled` is false.
    public func destination(tls: TLSClient) throws(NetworkConfigurationError) -> Destination {
        try demandEncryption()
        guard case .tcp(let host, let port) = client.address else { throw noTLS("client") }
        return .tls(host: host, port: port, tls)
    }

    /// `client.address` in the clear: **no peer is authenticated, and everyone on the path can read and change what is
    /// sent**; for a Unix socket the file system decides who may listen. Throws unless `transport.encryption_enabled`
    /// is false.
    public func insecurePlaintextDestination() throws(NetworkConfigurationError) -> Destination {
        try demandPlaintext()
        return switch client.address {
        case .tcp(let host, let port): .insecurePlaintextTCP(host: host, port: port)
        case .unix(let path): .unix(path: path)
        }
    }

    // MARK: Refusals

    private func demandEncryption() throws(NetworkConfigurationError) {
        guard transport.isEncrypting else {
            throw error(
                "transport.encryption_enabled",
                "is false, and this program encrypts",
                remedy: "remove the key, or have the program ask for an insecure plaintext connection by that name"
            )
        }
    }

    private func demandPlaintext() throws(NetworkConfigurationError) {
        guard !transport.isEncrypting else {
            throw error(
                "transport.encryption_enabled",
                "is true, but this program requests an insecure plaintext connection",
                remedy:
                    "let the program choose a kind of trust, or write encryption_enabled = false on a path without attackers"
            )
        }
    }

    private func noTLS(_ section: String) -> NetworkConfigurationError {
        error(
            "\(section).address",
            "is a Unix socket, and this program speaks TLS",
            remedy: "write host:port"
        )
    }

    func error(_ key: String, _ problem: String, remedy: String) -> NetworkConfigurationError {
        let place = places[key] ?? ConfigurationProblem(origin: "the defaults", key: key, problem: "")
        return NetworkConfigurationError(at: place, problem, remedy: remedy)
    }
}
