internal import Foundation
internal import Operations
internal import Testing

@Suite("paramedic's commands", .timeLimit(.minutes(5)))
struct ParamedicCommandTests {
    @Test func `config check names every problem of file and environment, and touches nothing`() async throws {
        try await Installation.with { installation in
            let path = installation.folder + "/paramedic.toml"
            let text = """
                [defaults]
                reflecter = "home"
                wait_sec = -1
                engine = "steam"

                [logging]
                level = 3
                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let environment = installation.environment.merging(["PARAMEDIC_DEFAULTS_STREAMS": "many"]) { $1 }
            let result = try await Tool.run("paramedic", ["config", "check", "-c", path], environment)
            #expect(result.code == 78)
            #expect(result.output.isEmpty)
            for words in [
                "\(path):2: defaults.reflecter", "did you mean reflector", "\(path):3: defaults.wait_sec",
                "\(path):4: defaults.engine", "\(path):7: logging.level", "PARAMEDIC_DEFAULTS_STREAMS",
            ] {
                #expect(result.errors.contains(words), "\(words) is not in:\n\(result.errors)")
            }
            let missing = try await installation.paramedic("config", "check", "-c", path + "x")
            #expect(missing.code == 78)
            #expect(missing.errors.contains(path + "x"))

            try Data("[defaults]\nwait_sec = 1\n".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try await installation.paramedic("config", "check", "-c", path).output == "\(path): ok\n")
            let json = try await installation.paramedic("config", "check", "-c", path, "--json").json()
            #expect(json["configuration"] as? String == path && json["status"] as? String == "ok")
            #expect(try await installation.paramedic("config", "check").output == "no file, defaults: ok\n")
            #expect(!FileManager.default.fileExists(atPath: installation.folder + "/p"))
        }
    }

    @Test(
        arguments: [
            "bufferbloat --duration 0", "bufferbloat --duration 86401", "bufferbloat --streams 0", "run --duration 0",
            "run --duration -5", "run --streams 129", "throughput --streams 0", "throughput --duration 86401",
            "latency --duration 0", "latency --duration 86400 --interval 0.05", "latency --mode sideways",
            "throughput --protocol udp --mode tunneled", "throughput --protocol udp --engine native",
            "run --json --csv", "history --json --csv", "report --json --csv", "history --last 0",
            "run --html /nowhere/at/all.html", "report --html /nowhere/at/all.html",
        ]
    )
    func `numbers and forms that cannot be are refused with 64 before a reflector is looked for`(line: String)
        async throws
    {
        try await Installation.with { installation in
            let arguments = line.split(separator: " ").map(String.init)
            let result = try await Tool.run("paramedic", arguments, installation.environment)
            #expect(result.code == 64, "\(result.errors)")
            #expect(result.output.isEmpty == !line.contains("--json"))
            #expect(!FileManager.default.fileExists(atPath: installation.folder + "/p"))
        }
    }

    @Test func `an examination of which every part is denied exits 4, says why, and is not kept`() async throws {
        try await Installation.with(["REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER": "1"]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                // The hour's only test: the first part is measured, the others are denied, and the page says so.
                let first = try await installation.paramedic("run", "--duration", "1")
                #expect(first.code == 0, "\(first.errors)")
                #expect(first.errors.contains("allows 1 an hour"))
                for part in ["download", "upload", "bufferbloat"] {
                    #expect(first.output.contains("\(part) was not measured"))
                }
                for arguments in [["run"], ["run", "--json"], ["run", "--csv"]] {
                    let page = installation.folder + "/none.html"
                    let denied = try await Tool.run(
                        "paramedic",
                        arguments + ["--duration", "1", "--html", page],
                        installation.environment
                    )
                    #expect(denied.code == 4)
                    #expect(denied.output.isEmpty == !arguments.contains("--json"))
                    #expect(denied.errors.contains("nothing was measured"))
                    #expect(denied.errors.contains("rate_limited"))
                    #expect(!FileManager.default.fileExists(atPath: page))
                }
                #expect(try await installation.paramedic("history", "--json").list().count == 1)
            }
        }
    }

    @Test func `a test that is denied exits 4 and says why`() async throws {
        try await Installation.with(["REFLECTOR_QUOTAS_ALLOW_THROUGHPUT": "false"]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                for (command, words) in [
                    ("throughput", "disabled here"), ("bufferbloat", "disabled here"),
                    ("latency --mode direct", "network.mode"),
                ] {
                    let arguments = command.split(separator: " ").map(String.init) + ["--duration", "1"]
                    let result = try await Tool.run("paramedic", arguments, installation.environment)
                    #expect(result.code == 4, "\(command): \(result.errors)")
                    // Bufferbloat begins without load, which is not switched off.
                    #expect(result.output.contains("Latency under load") == (command == "bufferbloat"))
                    #expect(result.errors.contains("invalid_params") && result.errors.contains(words))
                }
            }
        }
    }

    @Test func `without a token pair only remembers, and a stranger is not told otherwise while a window is open`()
        async throws
    {
        try await Installation.with { installation in
            try await installation.serving { _ in
                let id = try await installation.reflector("show-id").output.trimmingCharacters(in: .newlines)
                let status = try await installation.reflector("status", "--json").json()
                let address = try #require(status["bind_address"] as? String)
                _ = try await installation.reflector("pair")
                let stranger = try await installation.paramedic("pair", address, "--id", id)
                #expect(stranger.code == 1)
                #expect(stranger.errors.contains("unauthorized"), "\(stranger.errors)")
                #expect(try await installation.paramedic("reflectors", "--json").list().isEmpty)

                try await installation.pair("--name", "home")
                let again = try await installation.paramedic("pair", address, "--id", id, "--name", "again")
                #expect(again.code == 0)
                #expect(again.lines[0].hasPrefix("remembered again"))
                #expect(again.lines[1] == "  \(id)")
                let json = try await installation.paramedic("pair", address, "--id", id, "--json").json()
                #expect(json["outcome"] as? String == "remembered")
                #expect(json["name"] as? String == "127.0.0.1")
            }
        }
    }

    @Test func `another reflector takes over a known name only with --replace, and its token is not spent before`()
        async throws
    {
        try await Installation.with { first in
            try await first.serving { _ in
                try await first.pair("--name", "home")
                // The same machine at the same name is nothing to ask about.
                try await first.pair("--name", "home")
                try await Installation.with(["PARAMEDIC_STATE": first.folder + "/p"]) { second in
                    try await second.serving { _ in
                        let offer = try await second.reflector("pair", "--json").json()
                        let status = try await second.reflector("status", "--json").json()
                        let old = try await first.reflector("show-id").output.trimmingCharacters(in: .newlines)
                        let new = try await second.reflector("show-id").output.trimmingCharacters(in: .newlines)
                        let token = try #require(offer["pairing_token"] as? String)
                        let address = try #require(status["bind_address"] as? String)
                        let line = ["pair", address, "--id", new, "--token", token, "--name", "home"]

                        let refused = try await Tool.run("paramedic", line, second.environment)
                        #expect(refused.code == 1)
                        for words in [old, new, "--replace", "\"home\""] { #expect(refused.errors.contains(words)) }
                        #expect(try await first.paramedic("reflectors").output.contains(old))

                        let replaced = try await Tool.run("paramedic", line + ["--replace"], second.environment)
                        #expect(replaced.code == 0, "\(replaced.errors)")
                        #expect(replaced.lines[0].hasPrefix("paired with home"))
                        let known = try await first.paramedic("reflectors").output
                        #expect(known.contains(new) && !known.contains(old))
                    }
                }
            }
        }
    }
}
