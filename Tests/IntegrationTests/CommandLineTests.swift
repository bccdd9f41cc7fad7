internal import Foundation
internal import Operations
internal import Testing

@Suite("The command line", .timeLimit(.minutes(3)))
struct CommandLineTests {
    @Test(arguments: ["status", "pair"])
    func `without a running server, status and pair exit 3 and say how to start one`(command: String) async throws {
        try await Installation.with { installation in
            let result = try await installation.reflector(command)
            #expect(result.code == 3)
            #expect(result.output.isEmpty)
            #expect(result.errors.contains("reflector serve"))
        }
    }

    @Test func `show-id prints the ID and nothing else, and it stays the same`() async throws {
        try await Installation.with { installation in
            let first = try await installation.reflector("show-id")
            #expect(first.code == 0)
            #expect(first.output.wholeMatch(of: /PP(-[0-9A-HJKMNP-TV-Z]{4}){13}-[0-9A-HJKMNP-TV-Z]\n/) != nil)
            #expect(try await installation.reflector("show-id").output == first.output)
            let json = try await installation.reflector("show-id", "--json")
            #expect(try json.json()["endpoint_id"] as? String == first.output.trimmingCharacters(in: .newlines))
        }
    }

    @Test func `pair and status print their pages`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                let id = try await installation.reflector("show-id").output.trimmingCharacters(in: .newlines)
                let pair = try await installation.reflector("pair", "--ttl", "10m")
                #expect(pair.lines[0] == "  Pairing Mode Enabled")
                #expect(pair.lines[1] == "  ====================")
                #expect(pair.lines[2] == "  Endpoint ID    : \(id)")
                #expect(
                    pair.lines[3].wholeMatch(
                        of: #/  Pairing Token  : [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/#
                    ) != nil
                )
                #expect(pair.lines[4] == "  Expires In     : 10m")
                #expect(pair.lines[5].isEmpty)
                #expect(pair.lines[6] == "  Share the endpoint ID and pairing token with the peer.")
                #expect(pair.lines[7] == "  The peer must connect within the TTL window to be authorized.")
                #expect(pair.output.contains("paramedic pair 127.0.0.1:"))

                let status = try await installation.reflector("status")
                #expect(status.lines[0] == "  Reflector Status")
                #expect(status.lines[1] == "  ================")
                #expect(status.lines[2] == "  Endpoint ID   : \(id)")
                #expect(status.lines[3].hasPrefix("  Bind Address  : 127.0.0.1:"))
                #expect(status.lines[4] == "  Mode          : Tunneled")
                #expect(status.lines[5] == "  Data Dir      : \(installation.folder)/r")
            }
        }
    }

    @Test
    func
        `with access.pairing_enabled, serve shows a token on a terminal only; elsewhere it opens no window and says how to`()
        async throws
    {
        try await Installation.with(["REFLECTOR_ACCESS_PAIRING_ENABLED": "true"]) { installation in
            for arguments in [["serve"], ["serve", "--json"]] {
                let server = try await installation.serve(arguments)
                let status = try await installation.reflector("status", "--json").json()
                await server.terminate()
                let exit = await server.exit()
                #expect(status["endpoint_id"] != nil && status["pairing_open_sec"] == nil)
                #expect(!String(decoding: exit.output, as: UTF8.self).contains("--token"))
                #expect(String(decoding: exit.errorOutput, as: UTF8.self).contains("run: reflector pair"))
            }
            // Python gives it a terminal.
            let terminal = try await ChildProcess.start(
                "python3",
                ["-c", "import pty,sys;pty.spawn(sys.argv[1:])", try Tool.path("reflector"), "serve"],
                environment: installation.environment
            )
            let status = try await eventually("serve answers") {
                let status = try? await installation.reflector("status", "--json").json()
                return status?["pid"] == nil ? nil : status
            }
            kill(Int32(try #require(status["pid"] as? Int)), SIGTERM)
            let shown = String(decoding: await terminal.exit().output, as: UTF8.self)
            #expect(status["pairing_open_sec"] != nil)
            #expect(shown.contains("paramedic pair 127.0.0.1:") && shown.contains("--token "), "\(shown)")
        }
    }

    @Test(arguments: ["courier", "packetbench", "paramedic", "reflector"], ["bash", "zsh", "fish"])
    func `every tool prints completions for shells`(tool: String, shell: String) async throws {
        let result = try await Tool.run(tool, ["--generate-completion-script", shell])
        #expect(result.code == 0 && result.output.contains(tool) && result.output.contains("version"))
    }

    @Test func `shared options stand before and after the command's name`() async throws {
        try await Installation.with { installation in
            let after = try await installation.reflector("show-id", "--json")
            let before = try await installation.reflector("--json", "show-id")
            #expect(before.code == 0)
            #expect(before.output == after.output)
            let client = try await installation.paramedic("--json", "--log-level", "info", "id")
            #expect(try client.json()["endpoint_id"] != nil)
            for place in [["--config", "/nowhere.toml", "show-id"], ["show-id", "-c", "/nowhere.toml"]] {
                let result = try await Tool.run("reflector", place, installation.environment)
                #expect(result.code == 78)
                #expect(result.errors.contains("/nowhere.toml"))
            }
        }
    }

    @Test func `config check names file, line, key and remedy of every problem`() async throws {
        try await Installation.with { installation in
            let path = installation.folder + "/reflector.toml"
            let text = """
                [network]
                listen_adress = "0.0.0.0:4000"
                mode = "sideways"

                [quotas]
                cooldown_sec = "five"

                [access]
                authorized_peers = ["PP-1234"]
                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let result = try await installation.reflector("config", "check", "--config", path)
            #expect(result.code == 78)
            #expect(result.output.isEmpty)
            for words in [
                "\(path):2: network.listen_adress", "did you mean listen_address", "\(path):3: network.mode",
                "tunneled",
                "PP-1234",
            ] {
                #expect(result.errors.contains(words), "\(words) is not in:\n\(result.errors)")
            }
            try Data("[network]\nmode = \"direct_ephemeral\"\n".utf8).write(to: URL(fileURLWithPath: path))
            let good = try await installation.reflector("config", "check", "--config", path)
            #expect(good.code == 0)
            #expect(good.output == "\(path): ok\n")
        }
    }

    @Test func `wrong usage exits 64; help and version exit 0 and name the commit`() async throws {
        try await Installation.with { installation in
            for tool in ["reflector", "paramedic"] {
                #expect(try await Tool.run(tool, ["nonsense"], installation.environment).code == 64)
                for line in [["nonsense", "--json"], ["--json", "nonsense", "--config", "x"]] {
                    let refused = try await Tool.run(tool, line, installation.environment)
                    #expect(refused.code == 64)
                    let error = try refused.json()["error"] as? [String: Any]
                    #expect((error?["message"] as? String)?.contains("'nonsense'") == true, "\(refused.output)")
                }
                let help = try await Tool.run(tool, ["--help"], installation.environment)
                #expect(help.code == 0 && help.output.contains("Exit codes"))
                let version = try await Tool.run(tool, ["--version"], installation.environment)
                #expect(version.output.wholeMatch(of: /(reflector|paramedic) \d+\.\d+\.\d+ \(.+\)\n/) != nil)
            }
            #expect(try await installation.reflector("pair", "--ttl", "soon").code == 64)
        }
    }

    @Test func `a second server on the same folder, and a port in use, are refused with the reason`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                let second = try await installation.reflector("serve")
                #expect(second.code == 1)
                #expect(second.errors.contains("another reflector runs on the state folder"))
                let status = try await installation.reflector("status", "--json").json()
                let address = try #require(status["bind_address"] as? String)
                try await Installation.with { other in
                    let result = try await other.reflector("serve", "--bind", address)
                    #expect(result.code == 1)
                    #expect(result.errors.contains("cannot listen on \(address)"))
                }
            }
        }
    }

    @Test func `audit verify finds a changed line and missing lines, and export prints the log`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                for _ in 0..<3 { _ = try await installation.reflector("pair") }
                #expect(try await installation.reflector("audit", "verify").code == 0)
            }
            #expect(try await installation.reflector("audit", "verify").code == 0)
            let export = try await installation.reflector("audit", "export", "--since", "1h")
            #expect(export.output.split(separator: "\n").count == 3)
            #expect(try await installation.reflector("audit", "export", "--since", "sometime").code == 64)

            let path = installation.folder + "/r/audit.jsonl"
            let original = try Data(contentsOf: URL(fileURLWithPath: path))
            let text = String(decoding: original, as: UTF8.self)
            try Data(text.replacing("\"ttl_sec\":600", with: "\"ttl_sec\":601", maxReplacements: 1).utf8)
                .write(to: URL(fileURLWithPath: path))
            let changed = try await installation.reflector("audit", "verify", "--json")
            #expect(changed.code == 2)
            #expect(try changed.json()["intact"] as? Bool == false)
            let shortened = text.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
            try Data(shortened.utf8).write(to: URL(fileURLWithPath: path))
            let missing = try await installation.reflector("audit", "verify")
            #expect(missing.code == 2)
            #expect(missing.output.contains("line 3 is missing"))
        }
    }

    @Test
    func
        `without a server, a peer is removed although the log cannot be written or the configuration allows it; the error says so`()
        async throws
    {
        try await Installation.with { installation in
            for _ in 0..<2 { try await installation.serving { _ in try await installation.pair() } }
            let id = try await installation.paramedic("id").output.trimmingCharacters(in: .newlines)
            var environment = installation.environment
            environment["REFLECTOR_ACCESS_AUTHORIZED_PEERS"] = id
            let configured = try await Tool.run("reflector", ["peers", "remove", id], environment)
            #expect(configured.code == 1)
            #expect(configured.errors.contains("was removed, BUT access.authorized_peers still allows it"))
            #expect(try await !installation.reflector("peers").output.contains(id))

            try await installation.serving { _ in try await installation.pair() }
            try FileManager.default.removeItem(atPath: installation.folder + "/r/audit.jsonl")
            let key = try Data(contentsOf: URL(fileURLWithPath: installation.folder + "/r/identity.ed25519"))
            #expect(try await installation.reflector("rotate-identity").code == 1)
            #expect(try Data(contentsOf: URL(fileURLWithPath: installation.folder + "/r/identity.ed25519")) == key)
            let unwritten = try await installation.reflector("peers", "remove", id)
            #expect(unwritten.code == 1)
            #expect(
                unwritten.errors.contains("was removed, BUT the removal is not in the audit log"),
                "\(unwritten.errors)"
            )
            #expect(try await !installation.reflector("peers").output.contains(id))
        }
    }

    @Test func `peers can be listed, renamed and removed, with and without a running server`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                try await installation.pair()
                #expect(try await installation.paramedic("latency", "--duration", "1").code == 0)
            }
            let id = try await installation.paramedic("id").output.trimmingCharacters(in: .newlines)
            #expect(try await installation.reflector("peers").output.contains(id))
            #expect(try await installation.reflector("peers", "rename", id, "kitchen").code == 0)
            #expect(try await installation.reflector("peers", "list").output.contains("kitchen"))
            #expect(try await installation.reflector("peers", "remove", "kitchen").code == 0)
            #expect(try await installation.reflector("peers", "remove", id).code == 1)
            #expect(try await installation.reflector("audit", "verify").code == 0)
            try await installation.serving { _ in
                let refused = try await installation.paramedic("latency", "--duration", "1")
                #expect(refused.code == 1)
                #expect(refused.errors.contains("unauthorized"))
            }
        }
    }
}
