internal import Glibc
internal import Identity
internal import Logging
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import StrictJSON
internal import Testing

@testable import NetworkProtocol
@testable import NetworkProtocolConfiguration

/// The lines that peers can cause in a daemon's log.
@Suite("Lines that peers make a daemon log", .timeLimit(.minutes(2)))
struct PeerLinesTests {
    private struct Failure: Error {}

    private func logger(_ lines: LogLines, _ level: String) throws -> Logger {
        let configuration = try NetworkConfiguration(toml: "[logging]\nlog_level = \"\(level)\"\njson_format = true")
        return Logger(label: "daemon", factory: try configuration.logHandlerFactory { lines.append($0) })
    }

    private func metadata(_ lines: LogLines, _ message: String) throws -> [JSONValue] {
        try lines.all.map { try JSONParser.parse($0) }.filter { $0["message"] == .string(message) }
            .map { try #require($0["metadata"]) }
    }

    private func running(_ daemon: Daemon, _ body: (Int) async throws -> Void) async throws {
        let run = Task { try await daemon.run() }
        defer { run.cancel() }
        let address = try #require(await daemon.addresses().first)
        try await body(try #require(address.split(separator: ":").last.flatMap { Int($0) }))
        run.cancel()
        try await run.value
    }

    @Test func `handlers that one peer makes fail on and on leave a bounded number of lines, and others have theirs`()
        async throws
    {
        let lines = LogLines()
        var dispatcher = Dispatcher()
        dispatcher.onCommand("task") { _, _ in throw Failure() }
        dispatcher.onCommandInline("inline") { _, _ in throw Failure() }
        dispatcher.onAnyCommand { _, _, _ in throw Failure() }
        let (server, one, other) = (IdentityKey(), IdentityKey(), IdentityKey())
        let trust = Trust.pinned([one.endpointID, other.endpointID], identity: server)
        let daemon = Daemon(
            listening: [.tcp(host: "127.0.0.1", port: 0, trust: trust)],
            dispatcher: dispatcher,
            logger: try logger(lines, "info")
        )
        let long = String(repeating: "\u{1b}c", count: 100_000)
        try await running(daemon) { port in
            func connect(_ key: IdentityKey) async throws -> Client {
                let trust = Trust.pinned([server.endpointID], identity: key)
                return try await Client.connect(to: .tcp(host: "127.0.0.1", port: port, trust: trust))
            }
            // Reconnecting gives no more of them.
            for _ in 0..<4 {
                let client = try await connect(one)
                for _ in 0..<20 {
                    for command in ["task", "inline", long] {
                        await #expect(throws: ConnectionError.self) { try await client.request(command) }
                    }
                    try await client.send(.custom(command: "task", payload: []))
                    _ = try await client.receive()
                }
                await client.close()
            }
            let client = try await connect(other)
            await #expect(throws: ConnectionError.self) { try await client.request(long) }
            await client.close()
        }
        let failures = try metadata(lines, "a handler failed")
        // Sixteen at once, one of the other, and a few in the time that this takes.
        #expect(failures.count >= 17 && failures.count < 17 + 6, "\(failures.count) lines")
        #expect(try metadata(lines, "handlers failed, without a line each").count == 1)
        #expect(lines.all.allSatisfy { $0.utf8.count < 1_000 })
    }

    @Test func `connections without end leave a bounded number of lines at debug`() async throws {
        let lines = LogLines()
        let trust = Trust.anonymous(identity: IdentityKey())
        let daemon = Daemon(
            listening: [.tcp(host: "127.0.0.1", port: 0, trust: trust)],
            dispatcher: Dispatcher(),
            logger: try logger(lines, "debug")
        )
        try await running(daemon) { port in
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
            for _ in 0..<1_500 {
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                try #require(descriptor >= 0)
                _ = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
                close(descriptor)
            }
            // The ones that arrived are gone.
            while daemon.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
        }
        let refused = try metadata(lines, "connection refused").count
        // One a second beyond the first ones; the suite's limit ends it before 120.
        #expect(refused >= 512 && refused < 512 + 120, "\(refused) lines")
    }
}
