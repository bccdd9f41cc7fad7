internal import Foundation
internal import Operations
internal import Testing

@Suite("SIGHUP", .timeLimit(.minutes(5)))
struct HangupTests {
    private static func write(_ peers: [String], level: String, _ rest: String = "", to path: String) throws {
        let list = peers.map { "\"\($0)\"" }.joined(separator: ", ")
        let text = "[access]\nauthorized_peers = [\(list)]\n[logging]\nlevel = \"\(level)\"\n\(rest)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func configured(_ installation: Installation) async throws -> [String] {
        try await installation.reflector("peers", "--json").json()["configured"] as? [String] ?? []
    }

    @Test
    func
        `SIGHUP reloads the allow-list and the log level, drops the peers that are no longer allowed, and keeps all others`()
        async throws
    {
        try await Installation.with { installation in
            let file = installation.folder + "/reflector.toml"
            let first = try await installation.paramedic("id").lines[0]
            let second = try await Tool.run("paramedic", ["--state", installation.folder + "/q", "id"]).lines[0]
            try Self.write([first, second], level: "info", to: file)
            let server = try await installation.serve(["serve", "--config", file])
            do {
                let id = try await installation.reflector("show-id").lines[0]
                for state in [installation.folder + "/p", installation.folder + "/q"] {
                    let pair = ["--state", state, "pair", "127.0.0.1:\(installation.port)", "--id", id]
                    #expect(try await Tool.run("paramedic", pair).code == 0)
                }
                let test = ["--state", installation.folder + "/q", "latency", "--duration", "60"]
                let client = try await Tool.start("paramedic", test)
                try await installation.audited("session_granted")

                // Mistakes change nothing.
                try Self.write([first], level: "debug", "[network]\nlisten = 1\n", to: file)
                server.signal(SIGHUP)
                try await Task.sleep(for: .milliseconds(300))
                #expect(Set(try await configured(installation)) == [first, second])
                #expect(client.isRunning)

                try Self.write([first], level: "debug", to: file)
                server.signal(SIGHUP)
                try await eventually("the list is read again") {
                    try await configured(installation) == [first] ? true : nil
                }
                // Its test ends with it; the other goes on.
                #expect(await client.exit().code != 0)
                try await installation.audited("session_completed")
                #expect(try await installation.paramedic("latency", "--duration", "1").code == 0)
                #expect(server.isRunning)
            } catch {
                await server.terminate()
                throw error
            }
            server.signal(SIGTERM)
            let exit = await server.exit()
            #expect(exit.status == .exited(0))
            let log = String(decoding: exit.errorOutput, as: UTF8.self)
            #expect(log.contains("the configuration has errors, nothing was changed"))
            #expect(log.contains("the configuration was reloaded"))
            #expect(log.contains(" debug "), "\(log)")
        }
    }

    @Test func `SIGHUP ends a client's test as Ctrl-C does, unless the client was started to ignore it`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let client = try await Tool.start(
                    "paramedic",
                    ["latency", "--duration", "60"],
                    installation.environment
                )
                try await installation.audited("session_granted")
                client.signal(SIGHUP)
                #expect(await client.exit().status == .exited(130))
                try await installation.audited("session_completed")
                let log = try await installation.reflector("audit", "export").output
                #expect(log.contains("\"reason\":\"closed\"") || log.contains("\"reason\":\"client_closed\""), "\(log)")
            }
        }
    }
}
