internal import Foundation
internal import Operations
internal import Testing

@Suite("packetbench", .timeLimit(.minutes(3)))
struct PacketbenchTests {
    private func bench(_ arguments: [String], key: String) async throws -> Tool.Result {
        try await Tool.run("packetbench", arguments, ["PACKETBENCH_KEY": key])
    }

    /// Starts `serve` and gives `body` the address it listens on, and the process; then ends it by SIGTERM, which must
    /// exit 0.
    private func serving(
        _ arguments: [String],
        in folder: String,
        _ body: (_ address: String, _ server: ChildProcess) async throws -> Void
    ) async throws {
        let log = folder + "/serve.log"
        let line = "exec \"$0\" \"$@\" --json > '\(log)'"
        let server = try await ChildProcess.start(
            "/bin/sh",
            ["-c", line, try Tool.path("packetbench"), "serve"] + arguments + ["--log-level", "error"],
            environment: ["PACKETBENCH_KEY": folder + "/server.ed25519"]
        )
        do {
            var address: String?
            for _ in 0..<600 where address == nil {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                let greeting = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [String]]
                address = greeting?["listening"]?.first
                if address == nil { try await Task.sleep(for: .milliseconds(50)) }
            }
            try await body(try #require(address, "serve does not listen"), server)
        } catch {
            server.signal(SIGKILL)
            _ = await server.exit()
            throw error
        }
        server.signal(SIGTERM)
        #expect(await server.exit().code == 0)
    }

    private func expectMeasured(_ result: Tool.Result) throws {
        try #require(result.code == 0, "\(result.errors)")
        let report = try result.json()
        for name in ["connect_ms", "echo_64_per_second", "data_up_bps", "data_down_bps"] {
            #expect(try #require(report[name] as? Double, "\(name)") > 0)
        }
        let request = try #require(report["request_64_us"] as? [String: Double])
        let figures = ["p50", "p90", "p99", "p99.9", "max"].compactMap { request[$0] }
        #expect(figures.count == 5 && figures == figures.sorted() && figures[0] > 0)
    }

    private func expectNarrow(_ result: Tool.Result) {
        #expect(result.code == 0 && result.lines.count > 1, "\(result.errors)")
        for line in result.lines { #expect(line.count <= 80) }
    }

    @Test func `two machines that know each other's keys measure over TCP, and each sees who the other is`()
        async throws
    {
        try await Tool.inFolder { folder in
            let mine = try await bench(["id"], key: folder + "/client.ed25519").lines[0]
            let theirs = try await bench(["id"], key: folder + "/server.ed25519").lines[0]
            try await serving(["127.0.0.1:0", "--peer", mine], in: folder) { address, _ in
                let options = ["measure", address, "--seconds", "0.2", "--json"]
                let result = try await bench(options + ["--peer", theirs], key: folder + "/client.ed25519")
                try expectMeasured(result)
                let report = try result.json()
                #expect(report["peer"] as? String == theirs && report["certificate_pin"] is NSNull)
                #expect(report["address"] as? String == address)
                let printed = ["measure", address, "--seconds", "0.1", "--peer", theirs]
                let text = try await bench(printed, key: folder + "/client.ed25519")
                #expect(text.output.contains("its Endpoint ID\n") && text.output.contains("\n  \(theirs)\n"))
                expectNarrow(text)

                // A client that is not named is refused, and its error names the remedy.
                let stranger = try await bench(options + ["--peer", theirs], key: folder + "/stranger.ed25519")
                #expect(stranger.code == 4)
                #expect(
                    stranger.errors.contains("--peer must name what `packetbench id` prints here"),
                    "\(stranger.errors)"
                )
                let error = try stranger.json()["error"] as? [String: Any]
                #expect(error?["exit_code"] as? Int == 4)
                // The client refuses a daemon with another key.
                let other = try await bench(options + ["--peer", mine], key: folder + "/client.ed25519")
                #expect(other.code == 4 && other.errors.contains("give --peer \(theirs)"), "\(other.errors)")
            }
        }
    }

    @Test
    func `two machines that share a secret measure; another secret, or a file without one, is an error that says so`()
        async throws
    {
        try await Tool.inFolder { folder in
            func file(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
                let path = folder + "/" + name
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                return path
            }
            // As `openssl rand -hex 32` writes it; then in upper case, without an end of line.
            let secret = try file("secret", String(repeating: "0a1b2c3d", count: 8) + "\n")
            let same = try file("same", String(repeating: "0A1B2C3D", count: 8))
            let other = try file("other", String(repeating: "0a1b2c3e", count: 8) + "\n")
            try await serving(["127.0.0.1:0", "--psk-file", secret], in: folder) { address, _ in
                let options = ["measure", address, "--seconds", "0.1", "--json", "--psk-file"]
                try expectMeasured(try await bench(options + [same], key: folder + "/client.ed25519"))
                let stranger = try await bench(options + [other], key: folder + "/client.ed25519")
                #expect(stranger.code == 4, "\(stranger.errors)")
                #expect(
                    stranger.errors.contains("with --psk-file, and the file must hold the same secret"),
                    "\(stranger.errors)"
                )
                let readable = try file("readable", String(repeating: "0a1b2c3d", count: 8), mode: 0o644)
                let refused = try await bench(options + [readable], key: folder + "/client.ed25519")
                #expect(
                    refused.code == 64 && refused.errors.contains("run: chmod 600 \(readable)"),
                    "\(refused.errors)"
                )
                #expect(try stranger.json()["request_64_us"] == nil)
            }
            for (text, words) in [
                ("abc", "there are not 64 hexadecimal digits"),
                (String(repeating: "g", count: 64), "there are not 64 hexadecimal digits"),
            ] {
                let wrong = try file("wrong", text)
                let refused = try await bench(["measure", "127.0.0.1:1", "--psk-file", wrong], key: folder + "/k")
                #expect(refused.code == 64)
                #expect(refused.errors.contains("--psk-file \(wrong): \(words)"), "\(refused.errors)")
            }
        }
    }

    @Test func `a Unix socket needs no trust, a part can be measured alone, and text is printed without --json`()
        async throws
    {
        try await Tool.inFolder { folder in
            try await serving(["unix:\(folder)/s"], in: folder) { address, _ in
                try expectMeasured(
                    try await bench(["measure", address, "--seconds", "0.2", "--json"], key: folder + "/key")
                )
                let part = ["measure", address, "--seconds", "0.1", "--only", "request"]
                let one = try await bench(part + ["--json"], key: folder + "/key").json()
                #expect(one["address"] as? String == address && address == "unix:\(folder)/s")
                #expect(one["request_64_us"] is [String: Double] && one["data_up_bps"] is NSNull)
                let text = try await bench(part, key: folder + "/key")
                #expect(text.code == 0 && text.errors.isEmpty)
                #expect(text.output.contains("p99.9") && !text.output.contains("Gbit/s"))
            }
        }
    }

    @Test func `over TLS a client knows the daemon by authority and pin, and the daemon its clients by theirs`()
        async throws
    {
        try await Tool.inFolder { folder in
            let names = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"]
            for name in ["server", "client"] {
                let made = try await ChildProcess.start(
                    "/usr/bin/openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                        "2",
                        "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
                    ] + names,
                    environment: [:]
                ).exit()
                try #require(made.code == 0)
            }
            let server = ["--certificate", "\(folder)/server.pem", "--private-key", "\(folder)/server.key"]
            let client = ["--certificate", "\(folder)/client.pem", "--private-key", "\(folder)/client.key"]
            let listen = ["tls:127.0.0.1:0", "--ca", "\(folder)/client.pem"] + server
            try await serving(listen, in: folder) { address, _ in
                let options = ["measure", address, "--seconds", "0.2", "--json"]
                let known = options + ["--ca", "\(folder)/server.pem"]
                let measured = try await bench(known + client, key: folder + "/key")
                try expectMeasured(measured)
                // The printed pin and address work as arguments the next time.
                let report = try measured.json()
                #expect(address.hasPrefix("tls:") && report["address"] as? String == address)
                #expect(report["peer"] is NSNull)
                let found = try #require(report["certificate_pin"] as? String)
                let pinned = ["measure", "--ca", "\(folder)/server.pem", "--pin", found, "--seconds", "0.1", address]
                let text = try await bench(pinned + client, key: folder + "/key")
                #expect(text.code == 0, "\(text.errors)")
                #expect(text.output.contains("packetbench \(address)\n") && text.output.contains("its certificate\n"))
                #expect(text.output.contains("\n  \(found)\n"))
                expectNarrow(text)

                let pin = "sha256/" + String(repeating: "00", count: 32)
                let wrong = try await bench(known + client + ["--pin", pin], key: folder + "/key")
                #expect(wrong.code == 4 && wrong.output.contains("exit_code"), "\(wrong.errors)")
                let keyless = options + ["--certificate", "\(folder)/client.pem", "--private-key", "\(folder)/none"]
                let missing = try await bench(keyless, key: folder + "/key")
                #expect(missing.code == 64 && missing.errors.contains("none: the file is missing"), "\(missing.errors)")
                // The system's authorities did not sign it.
                let unknown = try await bench(options + client, key: folder + "/key")
                #expect(unknown.code == 4, "\(unknown.errors)")
            }
        }
    }

    @Test(
        arguments: [
            ("measure 127.0.0.1", "the port is missing"), ("measure host:70000 --anonymous", "1 to 65535"),
            ("serve host:70000 --anonymous", "0 to 65535"),
            ("measure host:0 --anonymous", "port 0 is only for `packetbench serve`"),
            ("measure [::1] --anonymous", "the port is missing"),
            ("measure [::1 --anonymous", "the bracket is not closed"),
            ("measure [::1]9 --anonymous", "the port after the bracket is missing"),
            ("measure host: --anonymous", "the port is missing"),
            ("measure udp:1.2.3.4:1 --anonymous", "unknown kind of address \"udp:\"; give HOST:PORT"),
            ("measure http://host --anonymous", "unknown kind of address \"http:\"; give HOST:PORT"),
            ("measure ::1:9000 --anonymous", "[::1]:9000"), ("serve :9000 --anonymous", "the host is missing"),
            ("measure unix:", "a path must follow"), ("measure host:1", "say who may be at the other end"),
            ("serve host:1", "say who may be at the other end"), ("measure host:1 --peer PP-1", "packetbench id"),
            ("measure host:1 --anonymous --insecure-plaintext", "exclude each other"),
            ("measure host:1 --psk-file /nowhere", "--psk-file /nowhere: the file is missing: No such file"),
            ("measure host:1 --anonymous --seconds 0", "0.1 to 60"),
            ("measure host:1 --anonymous --only everything", "request"),
            ("serve host:1 --anonymous --max-connections 0", "1 to 100000"),
            ("serve tls:host:1", "--certificate FILE and --private-key FILE"),
            ("measure tls:host:1 --insecure-plaintext", "--ca and --pin"),
            ("measure tls:host:1 --certificate /nowhere", "belong together"),
            ("measure tls:host:1 --ca /nowhere", "--ca /nowhere: the file is missing: No such file"),
            ("measure tls:host:1 --ca /", "--ca /: the file cannot be read: Is a directory"),
            ("measure tls:host:1 --ca /dev/null", "--ca /dev/null: there is no certificate in PEM"),
            (
                "serve tls:host:1 --certificate /nowhere --private-key /nowhere",
                "--certificate /nowhere: the file is missing"
            ),
            ("measure tls:host:1 --pin abc", "64 hexadecimal digits"),
            ("measure host:1 --anonymous --ca /nowhere", "tls:HOST:PORT"),
        ]
    )
    func `an argument that cannot be used exits 64 and says what to give`(line: String, advice: String) async throws {
        let result = try await bench(line.split(separator: " ").map(String.init), key: "/nowhere/key")
        #expect(result.code == 64, "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(result.errors.contains(advice), "\(result.errors)")
        // Also if the command had already begun to run.
        let usage = "Usage: packetbench \(line.prefix { $0 != " " }) [<options>] <address>\n"
        #expect(result.errors.contains(usage), "\(result.errors)")
    }

    @Test func `an empty PACKETBENCH_KEY, or --key, is named by its own name`() async throws {
        let variable = try await bench(["id"], key: "")
        #expect(
            variable.code == 64 && variable.errors.contains("PACKETBENCH_KEY: the path is empty"),
            "\(variable.errors)"
        )
        #expect(variable.errors.contains("Usage: packetbench id ["), "\(variable.errors)")
        let option = try await bench(["id", "--key", ""], key: "/nowhere/key")
        #expect(option.code == 64 && option.errors.contains("--key: the path is empty"), "\(option.errors)")
    }

    @Test(
        arguments: [[], ["--json"]] as [[String]]
    )
    func `an identity key that cannot be made is reported, as words and as JSON`(options: [String]) async throws {
        let result = try await bench(options + ["id"], key: "/proc/nowhere/key")
        #expect(result.code == 1, "\(result.errors)")
        #expect(result.errors.contains("/proc/nowhere/key"), "\(result.errors)")
        if !options.isEmpty {
            let error = try result.json()["error"] as? [String: Any]
            #expect(error?["exit_code"] as? Int == 1)
        }
    }

    @Test func `no server at the address exits 1 and says what should run there; with --json that is an object`()
        async throws
    {
        let port = try Installation.freePort()
        let result = try await bench(["--json", "measure", "127.0.0.1:\(port)", "--anonymous"], key: "/nowhere/key")
        #expect(result.code == 1)
        #expect(result.errors.contains("nothing listens there") && result.errors.contains("`packetbench serve`"))
        let error = try result.json()["error"] as? [String: Any]
        #expect(error?["exit_code"] as? Int == 1)
    }

    @Test func `an address in use and two kinds of trust that do not match are errors with a remedy`() async throws {
        try await Tool.inFolder { folder in
            try await serving(["127.0.0.1:0", "--anonymous"], in: folder) { address, _ in
                let second = try await bench(["serve", address, "--anonymous"], key: folder + "/key")
                #expect(second.code == 1 && second.errors.contains("another program listens there"), "\(second.errors)")
                let plain = ["measure", address, "--insecure-plaintext", "--seconds", "0.1"]
                let result = try await bench(plain, key: folder + "/key")
                #expect(result.code != 0 && result.errors.contains("the same kind of trust"), "\(result.errors)")
            }
        }
    }

    @Test
    func
        `a daemon that is full says so, and one that stops in the middle does: neither is taken for trust that does not meet`()
        async throws
    {
        try await Tool.inFolder { folder in
            try await serving(["127.0.0.1:0", "--anonymous", "--max-connections", "1"], in: folder) { address, server in
                let line = ["measure", address, "--anonymous", "--only", "request", "--seconds"]
                var measuring = try await Tool.start("packetbench", line + ["60"])
                // While neither is open yet, each evicts the other; once one gets "full", the other is open.
                let full = try await eventually("the place is taken") {
                    if !measuring.isRunning {
                        measuring = try await Tool.start("packetbench", line + ["60"])
                        try await Task.sleep(for: .milliseconds(500))
                    }
                    let second = try await bench(line + ["0.1"], key: folder + "/key")
                    return second.errors.contains("--max-connections there") ? second : nil
                }
                #expect(full.code == 1, "\(full.errors)")
                #expect(!full.errors.contains("the same kind of trust"), "\(full.errors)")

                server.signal(SIGSTOP)
                let exit = await measuring.exit()
                server.signal(SIGCONT)
                let errors = String(decoding: exit.errorOutput, as: UTF8.self)
                #expect(exit.code == 1 && errors.contains("the daemon stopped answering"), "\(errors)")
                #expect(errors.contains("while measuring requests") && !errors.contains("kind of trust"), "\(errors)")
            }
        }
    }

    @Test func `a program that listens and never answers is not taken for trust that does not meet`() async throws {
        let (port, descriptor) = try Installation.listen()
        defer { close(descriptor) }
        let result = try await bench(["measure", "127.0.0.1:\(port)", "--anonymous"], key: "/nowhere/key")
        #expect(result.code == 1 && result.errors.contains("what listens there does not answer"), "\(result.errors)")
        #expect(!result.errors.contains("kind of trust"), "\(result.errors)")
    }

    @Test
    func
        `help tells, within 80 columns, how two machines are set up, the exit codes, and what holds without an option`()
        async throws
    {
        let help = try await Tool.run("packetbench", ["--help"], ["COLUMNS": "80"])
        expectNarrow(help)
        for words in ["unix:", "Exit codes: 0 success", "130 interrupted"] { #expect(help.output.contains(words)) }
        // No command is broken into two lines.
        for line in [
            "packetbench id", "packetbench serve 0.0.0.0:9000 --peer PP-…",
            "packetbench measure 192.0.2.1:9000 --peer PP-…", "(umask 077; openssl rand -hex 32 > secret)",
            "packetbench measure 192.0.2.1:9000 --psk-file secret",
            "packetbench serve tls:0.0.0.0:9000 --anonymous \\", "  --certificate c.pem --private-key k.pem",
            "packetbench measure tls:bench.example:9000 --ca ca.pem",
        ] {
            #expect(help.lines.contains("  " + line), "\(line)")
        }
        for (command, words) in [
            ("id", "~/.local/state/outpost/identity.ed25519"), ("measure", "$XDG_STATE_HOME/outpost/"),
            ("serve", "(default: info)"),
        ] {
            let help = try await Tool.run("packetbench", ["help", command], ["COLUMNS": "80"])
            expectNarrow(help)
            #expect(help.output.contains(words), "\(help.output)")
        }
        let version = try await Tool.run("packetbench", ["--version"])
        #expect(version.code == 0 && version.output.hasPrefix("packetbench "))
    }
}
