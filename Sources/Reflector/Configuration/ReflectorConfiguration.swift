package import Identity
package import LinkMeasurement
internal import PacketIO

/// The configuration in `reflector.toml`, with its defaults.
package struct ReflectorConfiguration: Sendable, Equatable {
    /// The path of the file; nil if there is none.
    package var source: String?

    /// The state folder of a system-wide reflector.
    package static let systemFolder = "/var/lib/reflector"

    /// `identity.private_key_path`
    package var privateKeyPath = ReflectorConfiguration.keyPath(inFolder: ReflectorConfiguration.systemFolder)
    /// Whether the state is in a folder of the user's own because ``systemFolder`` is not writable.
    package var usesOwnFolder = false

    /// `network.listen_address`
    package var listen = ListenAddress(host: "0.0.0.0", port: 4000)
    /// `network.alpn`; there is only one protocol.
    package let alpn = "pp-link/1"
    /// `network.require_alpn`: whether to close a client that negotiates no application protocol.
    package var requireALPN = true
    /// `network.mode`
    package var mode = DataMode.tunneled
    /// `network.data_port_range_start`, `network.data_port_range_end`
    package var dataPorts = 5201...5299
    /// `network.position`: this endpoint's place in the network, for `server_hello`.
    package var networkPosition: NetworkPosition?

    /// `access.pairing_enabled`: opens a pairing window at startup and prints its token.
    package var pairingEnabled = false
    /// `access.authorized_peers`
    package var authorizedPeers: [EndpointID] = []

    /// `[quotas]`, and the streams of `[iperf3]`
    package var quotas = Quotas()

    /// `iperf3.path`
    package var iperfPath = "iperf3"

    /// `logging.level`
    package var logLevel = "info"
    /// `logging.format`: `text` or `json`
    package var logFormat = "text"
    /// `logging.audit_log_path`
    package var auditLogPath = "/var/lib/reflector/audit.jsonl"

    /// `health.enabled`
    package var healthEnabled = true
    /// `health.listen_address`
    package var healthListen = ListenAddress(host: "127.0.0.1", port: 7301)

    /// `[limits]`
    package var limits = ConnectionLimits()
    /// `limits.shutdown_timeout_sec`
    package var shutdownTimeoutSec = 10

    package init() {}

    static func keyPath(inFolder folder: String) -> String {
        (folder.hasSuffix("/") ? folder : folder + "/") + "identity.ed25519"
    }

    /// The folder of the key: everything that the server keeps is there.
    package var stateFolder: String {
        guard let slash = privateKeyPath.lastIndex(of: "/") else { return "." }
        return slash == privateKeyPath.startIndex ? "/" : String(privateKeyPath[..<slash])
    }
}

/// A host and a port to listen on: `0.0.0.0:4000`, `[::]:4000`.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// nil unless `text` is an IPv4 address or an IPv6 address in brackets, a colon and a port of 0 to 65535.
    package init?(_ text: String) {
        guard let address = InternetAddress(text) else { return nil }
        self.host = address.host.description
        self.port = Int(address.port)
    }

    /// Parses the address of a flag.
    package init(parsing text: String) throws(Malformed) {
        guard let address = ListenAddress(text) else { throw Malformed() }
        self = address
    }

    package struct Malformed: Error, CustomStringConvertible {
        package var description: String {
            "expected \(ListenAddress.expected); for example \(ListenAddress.example)"
        }
    }

    static let expected = "an IPv4 address, or an IPv6 address in brackets, and a port"
    static let example = "\"0.0.0.0:4000\" or \"[::]:4000\""

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
