internal import Logging
internal import Testing

@testable import NetworkProtocol
@testable import NetworkProtocolConfiguration

@Suite struct NetworkConfigurationTests {
    /// The problems of a file, one per line.
    private func problems(_ toml: String, _ environment: [String: String] = [:]) -> [String] {
        do {
            _ = try NetworkConfiguration(toml: toml, path: "/etc/echo.toml", environment: environment)
            return []
        } catch {
            return error.description.split(separator: "\n").map(String.init)
        }
    }

    @Test func `without a file, the options are the library's defaults`() throws {
        let configuration = try NetworkConfiguration.load(path: nil, environment: [:])
        let daemon = configuration.daemonOptions
        #expect(daemon.maximumConnections == DaemonOptions().maximumConnections)
        #expect(daemon.shutdownTimeout == DaemonOptions().shutdownTimeout)
        #expect(daemon.connection.channelCapacity == 32)
        #expect(daemon.connection.heartbeatInterval == .seconds(30))
        #expect(daemon.connection.handshakeTimeout == .seconds(10))
        #expect(daemon.connection.maximumPayloadLength == 16_777_216)
        #expect(daemon.connection.format == .bincode)
        #expect(daemon.connection.compression == nil)
        let client = configuration.clientOptions
        #expect(client.connectTimeout == .seconds(5))
        #expect(client.sendTimeout == .seconds(3))
        #expect(client.responseTimeout == .seconds(30))
        #expect(client.reconnect == nil)
        #expect(configuration.server.address == .tcp(host: "127.0.0.1", port: 9000))
        #expect(configuration.transport.isEncrypting)
        #expect(configuration.logging.level == .info)
        #expect(configuration.logging.isToConsole)
        #expect(!configuration.logging.isToFile)
    }

    @Test func `a file with every key is read`() throws {
        let configuration = try NetworkConfiguration(
            toml: """
                [server]
                address = "[::1]:9999"
                backpressure_limit = 64
                connection_timeout = 15000
                heartbeat_interval = 5000
                shutdown_timeout = 5000
                max_connections = 500
                [client]
                address = "unix:/run/echo.sock"
                connection_timeout = 5000
                operation_timeout = 5000
                response_timeout = 15000
                heartbeat_interval = 5001
                auto_reconnect = true
                max_reconnect_attempts = 5
                reconnect_delay = 500
                [transport]
                compression_enabled = true
                compression_algorithm = "zstd"
                compression_level = 8
                compression_threshold_bytes = 1000
                encryption_enabled = true
                max_payload_size = 8388608
                format = "messagepack"
                [logging]
                app_name = "config-test"
                log_level = "debug"
                log_to_console = false
                log_to_file = true
                log_file_path = "/var/log/echo.log"
                json_format = true
                """
        )
        #expect(configuration.server.address == .tcp(host: "::1", port: 9999))
        #expect(configuration.client.address == .unix(path: "/run/echo.sock"))
        let daemon = configuration.daemonOptions
        #expect(daemon.connection.channelCapacity == 64)
        #expect(daemon.connection.handshakeTimeout == .seconds(15))
        #expect(daemon.connection.heartbeatInterval == .seconds(5))
        #expect(daemon.shutdownTimeout == .seconds(5))
        #expect(daemon.maximumConnections == 500)
        let client = configuration.clientOptions
        #expect(client.connectTimeout == .seconds(5))
        #expect(client.connection.handshakeTimeout == .seconds(5))
        #expect(client.sendTimeout == .seconds(5))
        #expect(client.responseTimeout == .seconds(15))
        #expect(client.connection.heartbeatInterval == .milliseconds(5001))
        #expect(client.reconnect?.attempts == 5)
        #expect(client.reconnect?.delay == .milliseconds(500))
        for connection in [daemon.connection, client.connection] {
            #expect(connection.compression?.algorithm == .zstd)
            #expect(connection.compression?.level == 8)
            #expect(connection.compression?.threshold == 1000)
            #expect(connection.maximumPayloadLength == 8_388_608)
            #expect(connection.format == .messagePack)
        }
        #expect(configuration.logging.applicationName == "config-test")
        #expect(configuration.logging.level == .debug)
        #expect(!configuration.logging.isToConsole)
        #expect(configuration.logging.filePath == "/var/log/echo.log")
        #expect(configuration.logging.isJSON)
    }

    @Test func `an unknown key and an unknown section name the nearest one, and a misplaced key its section`() {
        #expect(
            problems("[server]\nbackpresure_limit = 3\n[transprot]\nformat = \"json\"\n[client]\nmax_connections = 3")
                == [
                    "/etc/echo.toml:2: server.backpresure_limit: unknown key; did you mean backpressure_limit?",
                    "/etc/echo.toml:3: transprot: unknown section; did you mean [transport]?",
                    "/etc/echo.toml:6: client.max_connections: unknown key in this section; it belongs in [server]",
                ]
        )
    }

    @Test(arguments: [
        ("server", "backpressure_limit", 1, 65_536), ("server", "connection_timeout", 100, 300_000),
        ("server", "heartbeat_interval", 100, 3_600_000), ("server", "shutdown_timeout", 10, 3_600_000),
        ("server", "max_connections", 1, 1_000_000), ("client", "connection_timeout", 100, 300_000),
        ("client", "operation_timeout", 10, 3_600_000), ("client", "response_timeout", 10, 3_600_000),
        ("client", "heartbeat_interval", 100, 3_600_000), ("client", "max_reconnect_attempts", 1, 1_000_000),
        ("client", "reconnect_delay", 1, 3_600_000), ("transport", "compression_threshold_bytes", 0, 16_777_216),
        ("transport", "max_payload_size", 1_024, 16_777_216), ("transport", "compression_level", 1, 65_537),
    ])
    func `the error of a number out of range has key, line, value, range and a remedy`(
        section: String,
        key: String,
        low: Int,
        high: Int
    ) {
        for good in [low, high] { #expect(problems("[\(section)]\n\(key) = \(good)") == []) }
        for bad in [low - 1, high + 1, -5, Int.max] {
            let found = problems("[\(section)]\n\n\(key) = \(bad)")
            let start =
                "/etc/echo.toml:3: \(section).\(key): found \(bad) (an integer), expected an integer from \(low) to \(high)"
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("\(start); write for example \(key) = ") == true, "\(found)")
        }
        let fraction = problems("[\(section)]\n\(key) = 1.5")
        #expect(fraction.first?.contains("found 1.5 (a number with a fraction), expected an integer") == true)
        let text = problems("[\(section)]\n\(key) = \"200\"")
        #expect(text.first?.contains("found \"200\" (a string), expected an integer") == true)
    }

    @Test(arguments: [
        ("client", "auto_reconnect"), ("transport", "compression_enabled"), ("transport", "encryption_enabled"),
        ("logging", "log_to_console"), ("logging", "log_to_file"), ("logging", "json_format"),
    ])
    func `a switch is true or false and nothing else`(section: String, key: String) {
        let found = problems("[\(section)]\n\(key) = \"yes\"")
        let start = "/etc/echo.toml:2: \(section).\(key): found \"yes\" (a string), expected true or false"
        #expect(found.first?.hasPrefix(start) == true)
    }

    @Test func `the error of an unknown name lists the known ones`() {
        #expect(
            problems(
                "[transport]\ncompression_algorithm = \"gzip\"\nformat = \"yaml\"\n[logging]\nlog_level = \"verbose\"\napp_name = 3"
            ) == [
                "/etc/echo.toml:2: transport.compression_algorithm: found \"gzip\" (a string), expected one of \"lz4\", \"zstd\"; "
                    + "write for example compression_algorithm = \"lz4\"",
                "/etc/echo.toml:3: transport.format: found \"yaml\" (a string), expected one of \"bincode\", \"json\", \"messagepack\"; "
                    + "write for example format = \"bincode\"",
                "/etc/echo.toml:5: logging.log_level: found \"verbose\" (a string), expected one of \"trace\", \"debug\", \"info\", "
                    + "\"warn\", \"error\"; write for example log_level = \"info\"",
                "/etc/echo.toml:6: logging.app_name: found 3 (an integer), expected a string; write for example app_name = \"…\"",
            ]
        )
    }

    @Test func `a level is measured by the algorithm it is for`() {
        #expect(problems("[transport]\ncompression_level = 20") == [])
        let found = problems("[transport]\ncompression_level = 20\ncompression_algorithm = \"zstd\"")
        #expect(
            found.first?.contains("compression_level: found 20 (an integer), expected an integer from 1 to 19") == true
        )
    }

    @Test func `logging to a file needs the file's name`() {
        let expected = "logging.log_to_file: is true, and no file is named; write log_file_path = \"/var/log/….log\""
        #expect(problems("[logging]\nlog_to_file = true") == ["/etc/echo.toml:2: \(expected)"])
        #expect(problems("[logging]\nlog_file_path = \"\"\nlog_to_file = true") == ["/etc/echo.toml:3: \(expected)"])
    }

    @Test func `all problems are reported together, in the order of the file`() {
        let found = problems("[client]\nresponse_timeout = 0\n[server]\naddress = 9000\nmax_connections = true\n[x]\n")
        #expect(found.count == 4)
        #expect(found.map { $0.split(separator: ":")[1] } == ["2", "4", "5", "6"])
    }

    @Test func `the error of invalid TOML has its line`() {
        #expect(problems("[server]\naddress = \n").first?.hasPrefix("/etc/echo.toml:") == true)
        #expect(problems("[server]\nmax_connections = 1\nmax_connections = 2").count == 1)
    }

    @Test func `the error of a missing file has its name`() {
        do {
            _ = try NetworkConfiguration.load(path: "/nowhere/echo.toml", environment: [:])
            Issue.record("it was read")
        } catch {
            #expect(error.problems.first?.origin == "/nowhere/echo.toml")
            #expect(error.problems.first?.remedy.isEmpty == false)
        }
    }

    // MARK: Environment

    @Test func `a variable that sets no key is an error, with the one that was probably meant`() {
        let found = problems(
            "",
            [
                "NETWORK_PROTOCOL_CLIENT_ADRESS": "127.0.0.1:1", "NETWORK_PROTOCOL_": "1", "NETWORK_PROTOCOL_XYZ": "",
                "NETWORK_PROTOCOLS": "1", "PATH": "/bin",
            ]
        )
        #expect(
            found == [
                "environment variable NETWORK_PROTOCOL_: no key has this variable; unset it",
                "environment variable NETWORK_PROTOCOL_CLIENT_ADRESS: no key has this variable; did you mean NETWORK_PROTOCOL_CLIENT_ADDRESS?",
            ]
        )
    }

    @Test func `the environment beats the file, and a short name gives way to a full one`() throws {
        let configuration = try NetworkConfiguration(
            toml:
                "[server]\naddress = \"127.0.0.1:1\"\nbackpressure_limit = 5\nconnection_timeout = 1000\nheartbeat_interval = 1000",
            environment: [
                "NETWORK_PROTOCOL_SERVER_ADDRESS": "127.0.0.1:8888",
                "NETWORK_PROTOCOL_BACKPRESSURE_LIMIT": "128",
                "NETWORK_PROTOCOL_CONNECTION_TIMEOUT_MS": "12000",
                "NETWORK_PROTOCOL_CLIENT_CONNECTION_TIMEOUT": "700",
                "NETWORK_PROTOCOL_HEARTBEAT_INTERVAL_MS": "7500",
                "NETWORK_PROTOCOL_TRANSPORT_FORMAT": "json",
                "NETWORK_PROTOCOL_LOGGING_JSON_FORMAT": "true",
                "NETWORK_PROTOCOL_SERVER_MAX_CONNECTIONS": "",
            ]
        )
        #expect(configuration.server.address == .tcp(host: "127.0.0.1", port: 8888))
        #expect(configuration.server.backpressureLimit == 128)
        #expect(configuration.server.connectionTimeout == .seconds(12))
        #expect(configuration.server.heartbeatInterval == .milliseconds(7500))
        #expect(configuration.server.maximumConnections == 1_000)
        #expect(configuration.client.connectionTimeout == .milliseconds(700))
        #expect(configuration.client.heartbeatInterval == .seconds(30))
        #expect(configuration.transport.format == .json)
        #expect(configuration.logging.isJSON)
    }

    @Test func `the short name of the connection timeout is for both sides`() throws {
        let environment = ["NETWORK_PROTOCOL_CONNECTION_TIMEOUT_MS": "12000"]
        let configuration = try NetworkConfiguration(toml: "", environment: environment)
        #expect(configuration.server.connectionTimeout == .seconds(12))
        #expect(configuration.client.connectionTimeout == .seconds(12))
    }

    @Test(arguments: ["abc", "12s", "1e3", " 5", "0", "-1", "99999999999999999999"])
    func `a malformed number in the environment is an error that names the variable and the key`(text: String) {
        #expect(
            problems("", ["NETWORK_PROTOCOL_BACKPRESSURE_LIMIT": text]) == [
                "environment variable NETWORK_PROTOCOL_BACKPRESSURE_LIMIT: server.backpressure_limit: found \"\(text)\", "
                    + "expected an integer from 1 to 65536; for example 32"
            ]
        )
    }

    // MARK: Encryption

    @Test func `a file that turns encryption off is refused by a program that configures trust`() throws {
        let plain = try NetworkConfiguration(toml: "[transport]\n\nencryption_enabled = false", path: "/etc/echo.toml")
        let expected =
            "/etc/echo.toml:3: transport.encryption_enabled: is false, and this program encrypts; remove the key, or have the "
            + "program ask for an insecure plaintext connection by that name"
        #expect(
            refusal { () throws(NetworkConfigurationError) in _ = try plain.listener(trust: .anonymous) } == expected
        )
        #expect(
            refusal { () throws(NetworkConfigurationError) in _ = try plain.destination(trust: .anonymous) } == expected
        )
        #expect(
            refusal { () throws(NetworkConfigurationError) in _ = try plain.destination(tls: TLSClient()) } == expected
        )
        let listener = try plain.insecurePlaintextListener()
        #expect(listener.description == "127.0.0.1:9000")
        guard case .none = listener.protection else { return #expect(Bool(false), "it is protected") }
    }

    @Test(arguments: [
        ("", "the defaults: "), ("[transport]\nencryption_enabled = true", "/etc/echo.toml:2: "),
    ])
    func `a program that wants plaintext is refused by a file that does not`(toml: String, place: String) throws {
        let configuration =
            toml.isEmpty
            ? try NetworkConfiguration.load(path: nil, environment: [:])
            : try NetworkConfiguration(toml: toml, path: "/etc/echo.toml")
        let start =
            place + "transport.encryption_enabled: is true, but this program requests an insecure plaintext connection"
        let listener = refusal { () throws(NetworkConfigurationError) in
            _ = try configuration.insecurePlaintextListener()
        }
        let destination = refusal { () throws(NetworkConfigurationError) in
            _ = try configuration.insecurePlaintextDestination()
        }
        #expect(listener?.hasPrefix(start) == true, "\(listener ?? "")")
        #expect(destination?.hasPrefix(start) == true)
    }

    @Test func `the error about plaintext from the environment has the variable's name`() throws {
        let configuration = try NetworkConfiguration(
            toml: "",
            environment: ["NETWORK_PROTOCOL_TRANSPORT_ENCRYPTION_ENABLED": "false"]
        )
        let found = refusal { () throws(NetworkConfigurationError) in _ = try configuration.listener(trust: .anonymous)
        }
        #expect(found?.hasPrefix("environment variable NETWORK_PROTOCOL_TRANSPORT_ENCRYPTION_ENABLED: ") == true)
    }

    @Test func `TLS over a Unix socket is refused, at the address`() throws {
        let configuration = try NetworkConfiguration(
            toml: "[client]\naddress = \"unix:/run/x\"",
            path: "/etc/echo.toml"
        )
        let found = refusal { () throws(NetworkConfigurationError) in
            _ = try configuration.destination(tls: TLSClient())
        }
        #expect(
            found == "/etc/echo.toml:2: client.address: is a Unix socket, and this program speaks TLS; write host:port"
        )
    }

    private func refusal(_ body: () throws(NetworkConfigurationError) -> Void) -> String? {
        do throws(NetworkConfigurationError) {
            try body()
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Addresses

    @Test(arguments: [
        ("127.0.0.1:9000", ServiceAddress.tcp(host: "127.0.0.1", port: 9000)),
        ("localhost:0", .tcp(host: "localhost", port: 0)),
        ("node-1.example_x.org:65535", .tcp(host: "node-1.example_x.org", port: 65_535)),
        ("[::]:1", .tcp(host: "::", port: 1)), ("[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80)),
        ("unix:/run/a b.sock", .unix(path: "/run/a b.sock")),
    ])
    func `an address is a host and a port, an IPv6 address in brackets, or a Unix socket's path`(
        text: String,
        address: ServiceAddress
    ) {
        #expect(ServiceAddress(text) == address)
        #expect(ServiceAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "host", "host:", "host:65536", "host:-1", "host:+1", "host: 1", "ho st:1", "::1:80", "[::1]",
        "[::1]:",
        "[127.0.0.1]:80", "[x]:80", "[]:80", "[::1%]:80", "256.0.0.1:80", "1.2.3:80", "host:000080", "unix:",
        "unix:run/x", "unix:/",
        "unix:/run/", "unix:/\(String(repeating: "x", count: 107))", "http://host:80", "h\u{0}st:80", "h\u{202e}:80",
        "host:８０",
        "\(String(repeating: "a", count: 254)):80",
    ])
    func `anything else is refused`(text: String) {
        #expect(ServiceAddress(text) == nil)
    }

    @Test func `a client cannot connect to port 0, and a daemon may listen on it`() {
        #expect(problems("[server]\naddress = \"localhost:0\"") == [])
        #expect(
            problems("[client]\naddress = \"localhost:0\"") == [
                "/etc/echo.toml:2: client.address: port 0 cannot be connected to; write the daemon's port"
            ]
        )
        #expect(
            problems("[server]\naddress = \"localhost\"") == [
                "/etc/echo.toml:2: server.address: found \"localhost\" (a string), expected host:port, [IPv6 address]:port or "
                    + "unix:/absolute/path; write for example address = \"127.0.0.1:9000\""
            ]
        )
    }
}
