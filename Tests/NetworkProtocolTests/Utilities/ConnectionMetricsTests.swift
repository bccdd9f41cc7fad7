internal import Identity
internal import Logging
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import PrometheusMetrics
internal import StrictJSON
internal import Testing

@testable import NetworkProtocol
@testable import NetworkProtocolConfiguration

/// A scraper's view of a daemon and its clients.
@Suite(.timeLimit(.minutes(1))) struct ConnectionMetricsTests {
    let scrapedDaemon = PrometheusRegistry()
    let scrapedClient = PrometheusRegistry()
    let server = IdentityKey()

    private func clientOptions(_ change: (inout ConnectionOptions) -> Void = { _ in }) -> ClientOptions {
        var options = ClientOptions()
        options.connection.metricsFactory = scrapedClient
        change(&options.connection)
        return options
    }

    private func withDaemon(
        _ listener: Listener,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ change: (inout ConnectionOptions) -> Void = { _ in },
        _ body: (_ port: Int) async throws -> Void
    ) async throws {
        var options = DaemonOptions()
        options.connection.metricsFactory = scrapedDaemon
        change(&options.connection)
        var dispatcher = Dispatcher()
        dispatcher.onCommandInline("echo") { payload, _ in payload }
        dispatcher.onData { bytes, _ in .data(bytes) }
        let daemon = Daemon(listening: [listener], dispatcher: dispatcher, options: options, logger: logger)
        let running = Task { try await daemon.run() }
        let port = try ConfiguredService.port(await daemon.addresses().first ?? "")
        do {
            try await body(port)
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        _ = try? await running.value
    }

    /// The value of the series; nil if there is none.
    private func value(_ series: String, in registry: PrometheusRegistry) -> Double? {
        let line = registry.text().split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    /// Returns when the series has the value; if it never does, the suite's time limit ends the test.
    private func until(_ series: String, is expected: Double, in registry: PrometheusRegistry) async throws {
        while value(series, in: registry) != expected { try await Task.sleep(for: .milliseconds(1)) }
    }

    private let plain = Listener.insecurePlaintextTCP(host: "127.0.0.1", port: 0)

    @Test func `connections are counted when they open, and the gauge falls when they close`() async throws {
        try await withDaemon(.tcp(host: "127.0.0.1", port: 0, trust: .anonymous)) { port in
            let destination = Destination.tcp(host: "127.0.0.1", port: port, trust: .anonymous)
            let first = try await Client.connect(to: destination, options: clientOptions())
            let second = try await Client.connect(to: destination, options: clientOptions())
            #expect(value("network_protocol_connections_open{role=\"client\"}", in: scrapedClient) == 2)
            #expect(value("network_protocol_connections_open{role=\"daemon\"}", in: scrapedDaemon) == 2)
            await first.close()
            try await until("network_protocol_connections_open{role=\"client\"}", is: 1, in: scrapedClient)
            try await until("network_protocol_connections_open{role=\"daemon\"}", is: 1, in: scrapedDaemon)
            await second.close()
            try await until("network_protocol_connections_open{role=\"daemon\"}", is: 0, in: scrapedDaemon)
            #expect(value("network_protocol_connections_total{role=\"client\"}", in: scrapedClient) == 2)
            #expect(value("network_protocol_connections_total{role=\"daemon\"}", in: scrapedDaemon) == 2)
        }
        let text = scrapedDaemon.text()
        #expect(text.contains("# TYPE network_protocol_connections_open gauge\n"))
        #expect(text.contains("# TYPE network_protocol_connections_total counter\n"))
    }

    @Test func `handshakes are counted by how they ended`() async throws {
        let known = IdentityKey()
        let trust = Trust.pinned([known.endpointID], identity: server)
        try await withDaemon(.tcp(host: "127.0.0.1", port: 0, trust: trust)) { port in
            func destination(_ key: IdentityKey) -> Destination {
                .tcp(host: "127.0.0.1", port: port, trust: .pinned([server.endpointID], identity: key))
            }
            let client = try await Client.connect(to: destination(known), options: clientOptions())
            for _ in 0..<2 {
                await #expect(throws: ConnectionError.self) {
                    _ = try await Client.connect(to: destination(IdentityKey()), options: clientOptions())
                }
            }
            await client.close()
        }
        func handshakes(_ labels: String, _ role: String) -> String {
            "network_protocol_handshakes_total{\(labels),role=\"\(role)\"}"
        }
        #expect(value(handshakes("result=\"success\"", "daemon"), in: scrapedDaemon) == 1)
        #expect(value(handshakes("result=\"success\"", "client"), in: scrapedClient) == 1)
        #expect(value(handshakes("reason=\"not_admitted\",result=\"failure\"", "daemon"), in: scrapedDaemon) == 2)
        #expect(value(handshakes("reason=\"refused\",result=\"failure\"", "client"), in: scrapedClient) == 2)
    }

    @Test func `a handshake that is not ended in time, and one that is broken off, have their reasons`() async throws {
        let listener = Listener.tcp(host: "127.0.0.1", port: 0, trust: .anonymous)
        let failed = "network_protocol_handshakes_total{reason=\"REASON\",result=\"failure\",role=\"daemon\"}"
        try await withDaemon(listener) {
            $0.handshakeTimeout = .milliseconds(100)
        } _: { port in
            let silent = try await PlainPeer.connect(port: port)
            await silent.closed()
            try await until(failed.replacing("REASON", with: "timeout"), is: 1, in: scrapedDaemon)
        }
        try await withDaemon(listener) { port in
            let gone = try await PlainPeer.connect(port: port)
            await gone.close()
            try await until(failed.replacing("REASON", with: "closed_by_peer"), is: 1, in: scrapedDaemon)
            let other = try await PlainPeer.connect(port: port)
            try await other.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            await other.closed()
            try await until(failed.replacing("REASON", with: "malformed"), is: 1, in: scrapedDaemon)
        }
    }

    @Test func `what TLS refuses has its reasons`() async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        try await withDaemon(.tls(host: "127.0.0.1", port: 0, ends.serverTLS)) { port in
            var wrongPin = ends.clientTLS
            wrongPin.pins = [ends.clientCertificate.pin]
            var wrongName = ends.clientTLS
            wrongName.serverName = "elsewhere.example"
            var stranger = ends.clientTLS
            stranger.roots = .certificates([ends.clientCertificate.certificate])
            for (reason, settings) in [("wrong_pin", wrongPin), ("wrong_name", wrongName), ("tls", stranger)] {
                await #expect(throws: ConnectionError.self, "\(reason)") {
                    _ = try await Client.connect(
                        to: .tls(host: "127.0.0.1", port: port, settings),
                        options: clientOptions(),
                        logger: TestDaemon.silent
                    )
                }
                let series =
                    "network_protocol_handshakes_total{reason=\"\(reason)\",result=\"failure\",role=\"client\"}"
                #expect(value(series, in: scrapedClient) == 1, "\(scrapedClient.text())")
            }
        }
    }

    @Test func `an opening that comes a second time is counted as a replay`() async throws {
        var generator = SystemRandomNumberGenerator()
        let initiator = HandshakeInitiator(trust: .anonymous, timestamp: WallClock.milliseconds, using: &generator)
        let payload = Message.handshakeInit(initiator.opening).payload()
        let packet = [0xde, 0xad, 0xbe, 0xef, 1, 0, 0, 0, 0, UInt8(payload.count)] + payload
        try await withDaemon(.tcp(host: "127.0.0.1", port: 0, trust: .anonymous)) { port in
            for _ in 0..<3 {
                let peer = try await PlainPeer.connect(port: port)
                try await peer.send(packet)
                for await _ in peer.packets() { break }
                await peer.close()
            }
            try await until("network_protocol_replays_refused_total{role=\"daemon\"}", is: 2, in: scrapedDaemon)
        }
        let series = "network_protocol_handshakes_total{reason=\"replayed\",result=\"failure\",role=\"daemon\"}"
        #expect(value(series, in: scrapedDaemon) == 2)
    }

    @Test func `messages and bytes are counted both ways, and both sides count the same`() async throws {
        try await withDaemon(plain) { port in
            let client = try await Client.connect(
                to: .insecurePlaintextTCP(host: "127.0.0.1", port: port),
                options: clientOptions()
            )
            for _ in 0..<5 {
                try await client.send(.data([1, 2, 3]))
                _ = try await client.receive()
            }
            for (registry, role) in [(scrapedClient, "client"), (scrapedDaemon, "daemon")] {
                for direction in ["sent", "received"] {
                    let labels = "{direction=\"\(direction)\",role=\"\(role)\"}"
                    // A message is passed on a moment before it is counted.
                    try await until("network_protocol_messages_total\(labels)", is: 5, in: registry)
                    // Header 10, number 4, length 8, and the three bytes.
                    #expect(value("network_protocol_bytes_total\(labels)", in: registry) == 125)
                }
            }
            await client.close()
        }
    }

    @Test func `the compression ratio is recorded for what was compressed, and for nothing else`() async throws {
        try await withDaemon(plain) { port in
            let client = try await Client.connect(
                to: .insecurePlaintextTCP(host: "127.0.0.1", port: port),
                options: clientOptions { $0.compression = .init(.zstd) }
            )
            try await client.send(.data([1]))
            try await client.send(.data([UInt8](repeating: 0, count: 100_000)))
            #expect(value("network_protocol_compression_ratio_count{role=\"client\"}", in: scrapedClient) == 1)
            let sum = value("network_protocol_compression_ratio_sum{role=\"client\"}", in: scrapedClient) ?? 1
            #expect(sum > 0 && sum < 0.01)
            await client.close()
        }
    }

    @Test func `requests are timed, answered ones and others apart`() async throws {
        try await withDaemon(plain) { port in
            let client = try await Client.connect(
                to: .insecurePlaintextTCP(host: "127.0.0.1", port: port),
                options: clientOptions()
            )
            for _ in 0..<3 { _ = try await client.request("echo") }
            await #expect(throws: ConnectionError.self) { _ = try await client.request("ecko") }
            await client.close()
            await #expect(throws: ConnectionError.self) { _ = try await client.request("echo") }
        }
        let name = "network_protocol_request_duration_seconds"
        #expect(value("\(name)_count{result=\"success\",role=\"client\"}", in: scrapedClient) == 3)
        #expect(value("\(name)_count{result=\"failure\",role=\"client\"}", in: scrapedClient) == 1)
        #expect(value("\(name)_bucket{result=\"success\",role=\"client\",le=\"+Inf\"}", in: scrapedClient) == 3)
        let sum = value("\(name)_sum{result=\"success\",role=\"client\"}", in: scrapedClient) ?? 0
        // In seconds: three round trips on loopback take more than nothing, and less than the suite may take.
        #expect(sum > 0 && sum < 60)
    }

    @Test func `a pool counts as a client`() async throws {
        try await withDaemon(plain) { port in
            var options = ConnectionPoolOptions()
            options.client = clientOptions()
            let pool = ConnectionPool(to: .insecurePlaintextTCP(host: "127.0.0.1", port: port), options: options)
            _ = try await pool.request("echo")
            #expect(value("network_protocol_connections_open{role=\"client\"}", in: scrapedClient) == 1)
            await pool.close()
            try await until("network_protocol_connections_open{role=\"client\"}", is: 0, in: scrapedClient)
        }
    }

    @Test func `what is counted in a peer's hands makes no series`() async throws {
        try await withDaemon(.tcp(host: "127.0.0.1", port: 0, trust: .anonymous)) { port in
            for number in UInt8(0)..<20 {
                let peer = try await PlainPeer.connect(port: port)
                try await peer.send([0xde, 0xad, 0xbe, 0xef, number, number, number, number, number, number])
                await peer.closed()
            }
        }
        let reasons = scrapedDaemon.text().split(separator: "\n").filter { $0.contains("reason=") }
        #expect(reasons.count <= 2, "\(reasons)")
    }

    @Test func `log records tell the connection, where it comes from and who it is`() async throws {
        let lines = LogLines()
        let make = try NetworkConfiguration(toml: "[logging]\nlog_level = \"debug\"\njson_format = true")
            .logHandlerFactory { lines.append($0) }
        let (known, stranger) = (IdentityKey(), IdentityKey())
        let trust = Trust.pinned([known.endpointID], identity: server)
        let logger = Logger(label: "daemon", factory: make)
        try await withDaemon(.tcp(host: "127.0.0.1", port: 0, trust: trust), logger: logger) { port in
            func destination(_ key: IdentityKey) -> Destination {
                .tcp(host: "127.0.0.1", port: port, trust: .pinned([server.endpointID], identity: key))
            }
            let client = try await Client.connect(
                to: destination(known),
                options: clientOptions(),
                logger: Logger(label: "client", factory: make)
            )
            await client.close()
            await #expect(throws: ConnectionError.self) {
                _ = try await Client.connect(to: destination(stranger), options: clientOptions())
            }
        }
        func metadata(_ label: String, _ message: String) throws -> JSONValue {
            let records = try lines.all.map { try JSONParser.parse($0) }
            let record = records.first { $0["label"] == .string(label) && $0["message"] == .string(message) }
            return try #require(record?["metadata"])
        }
        for (label, peer) in [("daemon", known), ("client", server)] {
            for message in ["connection open", "connection closed"] {
                let metadata = try metadata(label, message)
                #expect(metadata["peer.id"] == .string("\(peer.endpointID)"))
                #expect(metadata["connection.id"] != nil)
                guard case .string(let address)? = metadata["peer.address"] else {
                    Issue.record("no address")
                    continue
                }
                #expect(address.hasPrefix("127.0.0.1:"))
            }
        }
        guard case .string(let address)? = try metadata("daemon", "connection refused")["peer.address"] else {
            Issue.record("no address")
            return
        }
        #expect(address.hasPrefix("127.0.0.1:"))
    }
}
