internal import Foundation
internal import TOMLConfiguration
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("reflector.toml")
struct ReflectorConfigurationTests {
    private func read(_ text: String, environment: [String: String] = [:], bind: String? = nil) throws
        -> ReflectorConfiguration
    {
        let document = try TOMLDocument(parsing: Array(text.utf8), path: "reflector.toml")
        return try ReflectorConfiguration.read(document, bind: bind, environment: environment)
    }

    @Test func `without a file every key has its default`() throws {
        let configuration = try read("")
        #expect(configuration.privateKeyPath == "/var/lib/reflector/identity.ed25519")
        #expect(configuration.listen.description == "0.0.0.0:4000")
        #expect(configuration.alpn == "pp-link/1")
        #expect(configuration.mode == .tunneled)
        #expect(configuration.dataPorts == 5201...5299)
        #expect(!configuration.pairingEnabled && configuration.authorizedPeers.isEmpty)
        #expect(configuration.quotas == Quotas())
        #expect(configuration.iperfPath == "iperf3")
        #expect(configuration.logLevel == "info")
        #expect(configuration.auditLogPath == "/var/lib/reflector/audit.jsonl")
        #expect(configuration.healthListen.description == "127.0.0.1:7301")
    }

    @Test func `the complete example in Docs is read, and says what the defaults are`() throws {
        let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../../Docs"
        )
        let text = try String(contentsOf: docs.appendingPathComponent("reflector.toml"), encoding: .utf8)
        #expect(String(reflecting: try read(text)) == String(reflecting: try read("")))
        // Every key is in it, if only in a comment.
        let keys = try String(contentsOf: docs.appendingPathComponent("REFERENCE.md"), encoding: .utf8)
            .split(separator: "## Configuration of paramedic")[0]
            .split(separator: "\n").compactMap { $0.wholeMatch(of: /\| `([a-z0-9_]+)` \|.*/)?.output.1 }
        #expect(keys.count > 30)
        for key in keys { #expect(text.contains("\(key) = "), "\(key)") }
    }

    @Test func `a file with every basic key is read as it stands`() throws {
        let configuration = try read(
            """
            [identity]
            private_key_path = "/var/lib/reflector/identity.ed25519"
            [network]
            listen_address = "0.0.0.0:4000"
            alpn = "pp-link/1"
            mode = "tunneled"
            data_port_range_start = 5201
            data_port_range_end = 5299
            [access]
            pairing_enabled = false
            authorized_peers = [
                # "PP-AAAA-BBBB-CCCC-0",
            ]
            [quotas]
            max_test_duration_sec = 60
            max_concurrent_tests = 1
            max_tests_per_hour_per_peer = 10
            max_bytes_per_day_per_peer = 5000000000
            cooldown_sec = 5
            allow_udp_echo = true
            allow_throughput = true
            [iperf3]
            path = "iperf3"
            default_streams = 4
            max_streams = 8
            [logging]
            level = "info"
            audit_log_path = "/var/lib/reflector/audit.jsonl"
            """
        )
        var expected = ReflectorConfiguration()
        expected.source = "reflector.toml"
        #expect(configuration == expected)
    }

    /// Each key with a value that is not its default, and what must differ then.
    static let keys: [(section: String, key: String, value: String)] = [
        ("identity", "private_key_path", "\"/a/b\""), ("network", "listen_address", "\"[::1]:5\""),
        ("network", "require_alpn", "false"), ("network", "mode", "\"direct_ephemeral\""),
        ("network", "data_port_range_start", "5202"), ("network", "data_port_range_end", "5298"),
        ("network", "position", "\"lan\""), ("access", "pairing_enabled", "true"),
        ("access", "authorized_peers", "[\"PP-000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFG-1\"]"),
        ("quotas", "max_test_duration_sec", "61"), ("quotas", "max_concurrent_tests", "2"),
        ("quotas", "max_tests_per_hour_per_peer", "11"), ("quotas", "max_bytes_per_day_per_peer", "1"),
        ("quotas", "cooldown_sec", "0"), ("quotas", "allow_udp_echo", "false"), ("quotas", "allow_throughput", "false"),
        ("iperf3", "path", "\"/x\""), ("iperf3", "default_streams", "5"), ("iperf3", "max_streams", "9"),
        ("logging", "level", "\"debug\""), ("logging", "format", "\"json\""), ("logging", "audit_log_path", "\"/y\""),
        ("health", "enabled", "false"), ("health", "listen_address", "\"127.0.0.1:1\""),
        ("limits", "handshake_timeout_sec", "1"), ("limits", "first_frame_timeout_sec", "1"),
        ("limits", "idle_timeout_sec", "1"), ("limits", "max_connections", "100"),
        ("limits", "max_connections_per_address", "1"), ("limits", "max_connections_per_peer", "20"),
        ("limits", "max_outstanding_requests", "1"), ("limits", "udp_echo_max_pps", "1"),
        ("limits", "shutdown_timeout_sec", "1"),
    ]

    @Test(arguments: keys)
    func `every key changes the configuration, from the file and from the environment alike`(
        section: String,
        key: String,
        value: String
    ) throws {
        var defaults = ReflectorConfiguration()
        defaults.source = "reflector.toml"
        let fromFile = try read("[\(section)]\n\(key) = \(value)\n")
        #expect(fromFile != defaults)
        let plain = value.filter { !"\"[]".contains($0) || key == "listen_address" && $0 != "\"" }
        let fromEnvironment = try read("", environment: ["REFLECTOR_\(section)_\(key)".uppercased(): plain])
        #expect(fromEnvironment == fromFile)
    }

    @Test func `connection limits that the file does not name grow with the streams that a test may have`() throws {
        let limits = try read("[iperf3]\nmax_streams = 128").limits
        #expect(limits.maxConnectionsPerPeer == 259 && limits.maxConnections == 259)
        #expect(try read("[iperf3]\nmax_streams = 14").limits == ConnectionLimits())
        // In direct mode streams are no connections of the control port.
        let direct = "[network]\nmode = \"direct_ephemeral\"\n[iperf3]\nmax_streams = 128\n"
        #expect(try read(direct + "[limits]\nmax_connections_per_peer = 4").limits.maxConnectionsPerPeer == 4)
        #expect(throws: ConfigurationError.self) {
            try read("", environment: ["REFLECTOR_LIMITS_MAX_CONNECTIONS_PER_PEER": "18"])
        }
    }

    @Test func `the budget of control bytes grows with the streams that a test may have`() throws {
        let usual = ConnectionLimits()
        let limits = try read("[iperf3]\nmax_streams = 128").limits
        // As many of the largest tests as fit with the limits that are built in.
        #expect(limits.controlBurst == usual.controlBurst * 259 / 32)
        #expect(limits.controlBytesPerSecond == usual.controlBytesPerSecond * 259 / 32)
        // Such a test takes 990 kB of control connections: 34 at once, and then one in eight seconds.
        #expect(limits.controlBurst >= 34 * 990_000 && 8 * limits.controlBytesPerSecond >= 990_000)
        let direct = try read("[network]\nmode = \"direct_ephemeral\"\n[iperf3]\nmax_streams = 128\n").limits
        #expect(direct.controlBurst == usual.controlBurst)
    }

    @Test func `a misspelled variable is refused with the right one, and those of Kubernetes are ignored`() throws {
        #expect { try read("", environment: ["REFLECTOR_QUOTAS_COOLDWN_SEC": "1"]) } throws: { error in
            "\(error)".contains(
                "REFLECTOR_QUOTAS_COOLDWN_SEC: no key has this variable; did you mean REFLECTOR_QUOTAS_COOLDOWN_SEC?"
            )
        }
        _ = try read("", environment: ["REFLECTOR_PORT": "tcp://10.0.0.1:4000", "REFLECTOR_SERVICE_HOST": "10.0.0.1"])
    }

    @Test func `a user who may not write the system's folder has one of their own, unless another is given`() throws {
        func read(
            _ text: String = "",
            state: String? = nil,
            _ environment: [String: String] = [:],
            mayUse: Bool = false
        )
            throws -> ReflectorConfiguration
        {
            try ReflectorConfiguration.read(
                try TOMLDocument(parsing: Array(text.utf8), path: "reflector.toml"),
                state: state,
                environment: environment.merging(["HOME": "/home/ada"]) { $1 },
                mayUseSystemFolder: mayUse
            )
        }
        let own = try read()
        #expect(own.stateFolder == "/home/ada/.local/state/reflector" && own.usesOwnFolder)
        #expect(own.auditLogPath == "/home/ada/.local/state/reflector/audit.jsonl")
        #expect(try read("", ["XDG_STATE_HOME": "/s"]).stateFolder == "/s/reflector")
        #expect(try read(mayUse: true).stateFolder == "/var/lib/reflector")
        #expect(try read(mayUse: true).usesOwnFolder == false)
        let file = "[identity]\nprivate_key_path = \"/file/key\"\n"
        let variable = ["REFLECTOR_IDENTITY_PRIVATE_KEY_PATH": "/variable/key"]
        #expect(try read(file).stateFolder == "/file")
        #expect(try read(file, variable).stateFolder == "/variable")
        for folder in ["/flag", "/flag/"] {
            let flag = try read(file, state: folder, variable)
            #expect(flag.privateKeyPath == "/flag/identity.ed25519" && flag.auditLogPath == "/flag/audit.jsonl")
            #expect(!flag.usesOwnFolder)
        }
    }

    @Test func `a flag beats the environment, the environment beats the file`() throws {
        let file = "[network]\nlisten_address = \"127.0.0.1:1\"\n"
        let environment = ["REFLECTOR_NETWORK_LISTEN_ADDRESS": "127.0.0.1:2"]
        #expect(try read(file).listen.port == 1)
        #expect(try read(file, environment: environment).listen.port == 2)
        #expect(try read(file, environment: environment, bind: "127.0.0.1:3").listen.port == 3)
    }

    @Test(
        arguments: [
            (
                "[network]\ndata_port_range_start = 10\ndata_port_range_end = 9",
                "reflector.toml:3: network.data_port_range_end"
            ),
            ("[iperf3]\nmax_streams = 2\ndefault_streams = 3", "reflector.toml:3: iperf3.default_streams"),
            ("[access]\nauthorized_peers = [\"PP-1\"]", "reflector.toml:2: access.authorized_peers"),
            ("[network]\nlisten_address = \"localhost\"", "reflector.toml:2: network.listen_address"),
            ("[network]\nalpn = \"pp-link/2\"", "reflector.toml:2: network.alpn: must be \"pp-link/1\""),
            (
                "[iperf3]\nmax_streams = 16\n[limits]\nmax_connections_per_peer = 34",
                "reflector.toml:4: limits.max_connections_per_peer: must be at least 35"
            ),
            ("[limits]\nmax_connections = 18", "reflector.toml:2: limits.max_connections: must be at least 19"),
            ("[quotas]\ncooldown = 3", "did you mean cooldown_sec"),
            ("[quota]\ncooldown_sec = 3", "did you mean [quotas]"),
        ]
    )
    func `what contradicts itself is refused with its line`(text: String, words: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
