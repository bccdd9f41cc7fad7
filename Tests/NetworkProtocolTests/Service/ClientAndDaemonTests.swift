import Identity
import Testing

@testable import NetworkProtocol

@Suite(.timeLimit(.minutes(5))) struct `A client and a daemon` {
    let server = IdentityKey()
    let client = IdentityKey()

    /// A daemon on a port of its own for as long as `body` runs.
    func withDaemon(
        trust: Trust,
        _ dispatcher: Dispatcher,
        options: DaemonOptions = DaemonOptions(),
        _ body: (_ port: Int) async throws -> Void
    ) async throws {
        let daemon = Daemon(
            listening: [.tcp(host: "127.0.0.1", port: 0, trust: trust)],
            dispatcher: dispatcher,
            options: options
        )
        let running = Task { try await daemon.run() }
        let addresses = await daemon.addresses()
        let port = try #require(addresses.first?.split(separator: ":").last.flatMap { Int($0) })
        do {
            try await body(port)
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        try await running.value
    }

    var dispatcher: Dispatcher {
        var dispatcher = Dispatcher()
        dispatcher.onCommand("reverse") { payload, _ in payload.reversed() }
        dispatcher.onCommand("refuse") { _, _ in throw Dispatcher.Refusal("not today") }
        dispatcher.onCommandInline("who") { _, context in
            Array((context.peer.endpointID.map { "\($0)" } ?? "nobody").utf8)
        }
        return dispatcher
    }

    @Test func `know each other, and many requests at once each get their own reply`() async throws {
        try await withDaemon(trust: .pinned([client.endpointID], identity: server), dispatcher) { port in
            let destination = Destination.tcp(
                host: "127.0.0.1",
                port: port,
                trust: .pinned([server.endpointID], identity: client)
            )
            let link = try await Client.connect(to: destination)
            #expect(try await link.connection().peer.endpointID == server.endpointID)
            let who = try await link.request("who")
            #expect(String(decoding: who, as: UTF8.self) == "\(client.endpointID)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt8(0)..<100 {
                    group.addTask {
                        let reply = try await link.request("reverse", [1, 2, number])
                        #expect(reply == [number, 2, 1])
                    }
                }
                try await group.waitForAll()
            }
            await link.close()
        }
    }

    @Test func `a stranger is refused, and told why`() async throws {
        try await withDaemon(trust: .pinned([client.endpointID], identity: server), dispatcher) { port in
            let stranger = IdentityKey()
            let trust = Trust.pinned([server.endpointID], identity: stranger)
            await #expect {
                _ = try await Client.connect(to: .tcp(host: "127.0.0.1", port: port, trust: trust))
            } throws: { error in
                guard case .refused(let code, let reason)? = error as? ConnectionError else { return false }
                return code == .unauthorised && reason.contains("\(stranger.endpointID)")
            }
        }
    }

    @Test func `a refusal and an unknown command are clear answers, and the connection goes on`() async throws {
        try await withDaemon(trust: .anonymous, dispatcher) { port in
            let link = try await Client.connect(to: .tcp(host: "127.0.0.1", port: port, trust: .anonymous))
            await #expect(throws: ConnectionError.refused(code: .refused, reason: "not today")) {
                _ = try await link.request("refuse")
            }
            await #expect {
                _ = try await link.request("revers")
            } throws: { error in
                guard case .refused(.unknownCommand, let reason)? = error as? ConnectionError else { return false }
                return reason.contains("\"reverse\"")
            }
            try await link.send(.custom(command: "reverse", payload: [1, 2]))
            let reply = try await link.receive()
            #expect(reply == .custom(command: "reverse", payload: [2, 1]))
            try await link.send(.echo("hello"))
            let echo = try await link.receive()
            #expect(echo == .echo("hello"))
            await link.close()
        }
    }

    @Test(arguments: CompressionAlgorithm.allCases, MessageFormat.allCases)
    func `compressed and in any format, what arrives is what was sent`(
        algorithm: CompressionAlgorithm,
        format: MessageFormat
    ) async throws {
        var options = DaemonOptions()
        options.connection.compression = .init(algorithm)
        try await withDaemon(trust: .anonymous, dispatcher, options: options) { port in
            var mine = ClientOptions()
            mine.connection.compression = .init(algorithm)
            mine.connection.format = format
            let link = try await Client.connect(
                to: .tcp(host: "127.0.0.1", port: port, trust: .anonymous),
                options: mine
            )
            let payload = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
            let reply = try await link.request("reverse", payload)
            #expect(reply == payload.reversed())
            await link.close()
        }
    }
}
