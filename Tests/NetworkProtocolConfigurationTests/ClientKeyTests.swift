internal import Logging
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import Testing

@testable import NetworkProtocol
@testable import NetworkProtocolConfiguration

@Suite(.timeLimit(.minutes(2))) struct ClientKeyTests {
    @Test func `address says where the client connects`() async throws {
        try await ConfiguredService.withDaemon("") { daemon, address in
            let configuration = try NetworkConfiguration(toml: "[client]\naddress = \"\(address)\"")
            let client = try await Client.connect(
                to: configuration.destination(trust: .anonymous),
                options: configuration.clientOptions
            )
            _ = try await client.request("echo")
            #expect(daemon.connectionCount == 1)
            await client.close()
        }
    }

    @Test func `connection_timeout ends a handshake that is not answered`() async throws {
        let server = try await PlainServer.start()
        let address = "127.0.0.1:\(server.port)"
        try await ConfiguredService.expect {
            await #expect(throws: ConnectionError.timedOut(what: "the handshake")) {
                _ = try await ConfiguredService.connect(to: address, "[client]\nconnection_timeout = 100")
            }
        } before: {
            _ = try await ConfiguredService.connect(to: address, "[client]\nconnection_timeout = 300000")
        } ending: {
            for await peer in server.peers.prefix(2) { await peer.close() }
        }
        await server.close()
    }

    @Test func `operation_timeout ends a send for which there is no room`() async throws {
        let server = try await PlainServer.start(isReading: false)
        let address = "127.0.0.1:\(server.port)"
        let patient = try await ConfiguredService.connect(
            to: address,
            "[client]\noperation_timeout = 3600000\n" + ConfiguredService.plaintext
        )
        let hasty = try await ConfiguredService.connect(
            to: address,
            "[client]\noperation_timeout = 50\n" + ConfiguredService.plaintext
        )
        @Sendable func fill(_ client: Client) async throws {
            while true { try await client.send(.data([UInt8](repeating: 0, count: 1 << 20))) }
        }
        try await ConfiguredService.expect {
            await #expect(throws: ConnectionError.timedOut(what: "waiting for room to send Data")) {
                try await fill(hasty)
            }
        } before: {
            try await fill(patient)
        } ending: {
            for await peer in server.peers.prefix(2) { await peer.close() }
        }
        await server.close()
    }

    @Test func `response_timeout ends a request that is not answered`() async throws {
        try await ConfiguredService.withDaemon("") { daemon, address in
            let patient = try await ConfiguredService.connect(to: address, "[client]\nresponse_timeout = 3600000")
            let hasty = try await ConfiguredService.connect(to: address, "[client]\nresponse_timeout = 50")
            try await ConfiguredService.expect {
                await #expect(throws: ConnectionError.unanswered(.timedOut(what: "the answer to never"))) {
                    _ = try await hasty.request("never")
                }
            } before: {
                _ = try await patient.request("never")
            } ending: {
                for connection in daemon.openConnections { connection.channel.close(promise: nil) }
            }
        }
    }

    @Test func `heartbeat_interval makes pings come`() async throws {
        let server = try await PlainServer.start()
        let address = "127.0.0.1:\(server.port)"
        let seldom = try await ConfiguredService.connect(
            to: address,
            "[client]\nheartbeat_interval = 3600000\n" + ConfiguredService.plaintext
        )
        let rare = try await server.accept()
        let often = try await ConfiguredService.connect(
            to: address,
            "[client]\nheartbeat_interval = 100\n" + ConfiguredService.plaintext
        )
        let pinged = try await server.accept()
        try await ConfiguredService.expect {
            for await (flags, payload) in pinged.packets() {
                #expect(flags == 0)
                #expect(payload == [0, 0, 0, 0])
                break
            }
        } before: {
            for await _ in rare.packets() { break }
        } ending: {
            await rare.close()
        }
        await often.close()
        await seldom.close()
        await server.close()
    }

    @Test(arguments: [true, false])
    func `auto_reconnect makes a lost connection again, and without it the client has ended`(isOn: Bool) async throws {
        try await ConfiguredService.withDaemon("") { daemon, address in
            let client = try await ConfiguredService.connect(to: address, "[client]\nauto_reconnect = \(isOn)")
            let first = try await client.connection()
            for connection in daemon.openConnections { connection.channel.close(promise: nil) }
            _ = try? await first.channel.closeFuture.get()
            if isOn {
                let reply = try await client.request("echo", [7])
                #expect(reply == [7])
                let second = try await client.connection()
                #expect(second.id != first.id)
            } else {
                await #expect(throws: ConnectionError.truncated) { _ = try await client.request("echo", [7]) }
            }
            await client.close()
        }
    }

    @Test(arguments: [1, 4])
    func `max_reconnect_attempts are made, and then no more`(attempts: Int) async throws {
        let lines = LogLines()
        let file =
            "[client]\nauto_reconnect = true\nreconnect_delay = 1\nmax_reconnect_attempts = \(attempts)\n"
            + "[logging]\nlog_level = \"debug\"\nlog_to_console = true"
        let make = try NetworkConfiguration(toml: file).logHandlerFactory { lines.append($0) }
        let client = try await lostClient(file, Logger(label: "test", factory: make))
        await #expect {
            _ = try await client.request("echo")
        } throws: { error in
            (error as? ConnectionError)?.code == .notListening
        }
        #expect(lines.all.count { $0.contains("connecting again failed") } == attempts)
    }

    @Test func `reconnect_delay is waited for between attempts, at least half of it`() async throws {
        let client = try await lostClient(
            "[client]\nauto_reconnect = true\nmax_reconnect_attempts = 2\nreconnect_delay = 3000",
            Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let start = ContinuousClock.now
        _ = try? await client.request("echo")
        // The default's longest pause is a second.
        #expect(ContinuousClock.now - start > .milliseconds(1_200))
    }

    /// A client whose daemon is gone for good.
    private func lostClient(_ file: String, _ logger: Logger) async throws -> Client {
        let server = try await PlainServer.start()
        let client = try await ConfiguredService.connect(
            to: "127.0.0.1:\(server.port)",
            ConfiguredService.plaintext + file,
            logger: logger
        )
        let connection = try await client.connection()
        let peer = try await server.accept()
        await server.close()
        await peer.close()
        _ = try? await connection.channel.closeFuture.get()
        return client
    }
}
