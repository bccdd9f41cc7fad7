public import Logging
public import NetworkProtocol
internal import TOMLConfiguration

/// The configuration of a daemon and a client in a file and the environment: keys, each with its default, range and
/// effect.
///
///     let environment = ProcessInfo.processInfo.environment
///     let configuration = try NetworkConfiguration.load(path: "/etc/echo.toml", environment: environment)
///     try configuration.bootstrapLogging()
///     let daemon = Daemon(
///         listening: [try configuration.listener(trust: .pinned(peers, identity: key))],
///         dispatcher: dispatcher,
///         options: configuration.daemonOptions
///     )
///
/// It does not contain the kind of trust: the program decides that. A file that turns encryption off is refused unless
/// the program requests ``insecurePlaintextListener()`` or ``insecurePlaintextDestination()`` by name.
///
/// A program without a file needs none of this and sets `DaemonOptions` and `ClientOptions` itself.
public struct NetworkConfiguration: Sendable {
    /// `[server]`
    public internal(set) var server = Server()
    /// `[client]`
    public internal(set) var client = Client()
    /// `[transport]`, for both.
    public internal(set) var transport = Transport()
    /// `[logging]`
    public internal(set) var logging = Log()
    /// Origins of values that can turn out to be wrong when they are used, by `section.key`: problems without text.
    var places: [String: ConfigurationProblem] = [:]

    init() {}

    /// `[server]`: the daemon's options.
    public struct Server: Sendable {
        /// `address`. Port 0 is any free port.
        public internal(set) var address = ServiceAddress.tcp(host: "127.0.0.1", port: 9000)
        /// `backpressure_limit`, 1 to 65536 messages: `ConnectionOptions.channelCapacity`.
        public internal(set) var backpressureLimit = ConnectionOptions().channelCapacity
        /// `connection_timeout`, 100 ms to 5 min: `ConnectionOptions.handshakeTimeout`.
        public internal(set) var connectionTimeout = ConnectionOptions().handshakeTimeout
        /// `heartbeat_interval`, 100 ms to 1 h: `ConnectionOptions.heartbeatInterval`.
        public internal(set) var heartbeatInterval = ConnectionOptions().heartbeatInterval
        /// `shutdown_timeout`, 10 ms to 1 h: `DaemonOptions.shutdownTimeout`.
        public internal(set) var shutdownTimeout = DaemonOptions().shutdownTimeout
        /// `max_connections`, 1 to 1000000: `DaemonOptions.maximumConnections`.
        public internal(set) var maximumConnections = DaemonOptions().maximumConnections
    }

    /// `[client]`: the client's options.
    public struct Client: Sendable {
        /// `address`
        public internal(set) var address = ServiceAddress.tcp(host: "127.0.0.1", port: 9000)
        /// `connection_timeout`, 100 ms to 5 min: `ClientOptions.connectTimeout`, and after that
        /// `ConnectionOptions.handshakeTimeout`.
        public internal(set) var connectionTimeout = ClientOptions().connectTimeout
        /// `operation_timeout`, 10 ms to 1 h: `ClientOptions.sendTimeout`.
        public internal(set) var operationTimeout = Duration.seconds(3)
        /// `response_timeout`, 10 ms to 1 h: `ClientOptions.responseTimeout`.
        public internal(set) var responseTimeout = ClientOptions().responseTimeout
        /// `heartbeat_interval`, 100 ms to 1 h: `ConnectionOptions.heartbeatInterval`.
        public internal(set) var heartbeatInterval = ConnectionOptions().heartbeatInterval
        /// `auto_reconnect`. Off by default, because a lost connection's requests may or may not have been executed.
        public internal(set) var isReconnecting = false
        /// `max_reconnect_attempts`, 1 to 1000000: `ClientOptions.Reconnect.attempts`.
        public internal(set) var maximumReconnectAttempts = ClientOptions.Reconnect().attempts
        /// `reconnect_delay`, 1 ms to 1 h: `ClientOptions.Reconnect.delay`.
        public internal(set) var reconnectDelay = ClientOptions.Reconnect().delay
    }

    /// `[transport]`: how both send.
    public struct Transport: Sendable {
        /// `compression_enabled`. Off by default: see `ConnectionOptions.compression`.
        public internal(set) var isCompressing = false
        /// `compression_algorithm`: `lz4` or `zstd`.
        public internal(set) var compressionAlgorithm = CompressionAlgorithm.lz4
        /// `compression_level`, one of the algorithm's `CompressionAlgorithm.levels`.
        public internal(set) var compressionLevel = CompressionAlgorithm.lz4.defaultLevel
        /// `compression_threshold_bytes`, 0 to 16777216: shorter payloads are not compressed.
        public internal(set) var compressionThreshold = 512
        /// `encryption_enabled`. False is refused unless the program also requests an insecure listener or destination.
        public internal(set) var isEncrypting = true
        /// `max_payload_size` in bytes, 1024 to 16777216: `ConnectionOptions.maximumPayloadLength`.
        public internal(set) var maximumPayloadLength = ConnectionOptions().maximumPayloadLength
        /// `format`: `bincode`, `json` or `messagepack`.
        public internal(set) var format = ConnectionOptions().format
    }

    /// `[logging]`: where log records go, and which.
    public struct Log: Sendable {
        /// `app_name`: on each line as `app.name`; nil for none.
        public internal(set) var applicationName: String?
        /// `log_level`: `trace`, `debug`, `info`, `warn` or `error`.
        public internal(set) var level = Logger.Level.info
        /// `log_to_console`: to standard error.
        public internal(set) var isToConsole = true
        /// `log_to_file`: to ``filePath``, which must then be set.
        public internal(set) var isToFile = false
        /// `log_file_path`; nil if no file is named.
        public internal(set) var filePath: String?
        /// `json_format`: one JSON object per line.
        public internal(set) var isJSON = false
    }
}
