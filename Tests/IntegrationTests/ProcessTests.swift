internal import Foundation
internal import Operations
internal import Testing

@Suite("Processes", .timeLimit(.minutes(5)), .serialized)
struct ProcessTests {
    @Test func `a latency test that the shutdown cuts short is an error, not a lossy link`() async throws {
        try await Installation.with { installation in
            let server = try await installation.serve()
            try await installation.pair()
            let client = try await Tool.start("paramedic", ["latency", "--duration", "60"], installation.environment)
            try await installation.audited("session_granted")
            server.signal(SIGTERM)
            #expect(await server.exit().status == .exited(0))
            let result = await client.exit()
            #expect(result.code != 0, "\(String(decoding: result.output, as: UTF8.self))")
        }
    }

    @Test func `SIGTERM ends a server in order with exit 0, also while a test runs, and settles the test`() async throws
    {
        try await Installation.with { installation in
            let server = try await installation.serve()
            try await installation.pair()
            let client = try await Tool.start(
                "paramedic",
                ["throughput", "--duration", "60", "--engine", "iperf3"],
                installation.environment
            )
            let child = try await iperfChild(of: server.pid)
            server.signal(SIGTERM)
            #expect(await server.exit().status == .exited(0))
            #expect(!isAlive(child))
            #expect(await client.exit().code != 0)
            #expect(try await installation.reflector("audit", "verify").code == 0)
            let log = try await installation.reflector("audit", "export").output
            #expect(log.contains("\"reason\":\"server_shutdown\""))
        }
    }

    @Test func `SIGKILL leaves no iperf3, loses no peer, no count and no audit line, and the next server goes on`()
        async throws
    {
        try await Installation.with { installation in
            var server = try await installation.serve()
            try await installation.pair()
            #expect(try await installation.paramedic("latency", "--duration", "1").code == 0)
            let client = try await Tool.start(
                "paramedic",
                ["throughput", "--duration", "60", "--engine", "iperf3", "--streams", "1", "--bitrate", "1M"],
                installation.environment
            )
            let child = try await iperfChild(of: server.pid)
            // Waits until a checkpoint binds the last line: the lines so far were acknowledged.
            let live = try await installation.reflector("audit", "verify", "--json")
            #expect(live.code == 0, "\(live.output)")
            let count = try #require(try live.json()["lines"] as? Int)
            let acknowledged = try await auditLines(installation).prefix(count)
            kill(server.pid, SIGKILL)
            _ = await server.exit()
            try await gone(child)
            _ = await client.exit()

            // The kill may leave a line that was being written. No checkpoint binds it, and the next start cuts it off.
            let killed = try await installation.reflector("audit", "verify", "--json")
            #expect(killed.code == 0 || killed.output.contains("no checkpoint binds the last"), "\(killed.output)")
            server = try await installation.serve()
            let next = try await installation.reflector("audit", "verify", "--json")
            #expect(next.code == 0, "\(next.output)")
            #expect(try await auditLines(installation).prefix(count) == acknowledged)
            let peers = try await installation.reflector("peers", "--json").json()
            #expect((peers["paired"] as? [Any])?.count == 1)
            // Both tests count, the killed one with the bytes that were charged ahead: at this rate one installment.
            let database = installation.folder + "/r/reflector.sqlite"
            let rows = try await Tool.query(
                database,
                "SELECT count(*), min(ended_at) IS NOT NULL, max(bytes) FROM test"
            )
            #expect(rows == "2|1|268435456")
            #expect(try await installation.paramedic("latency", "--duration", "1").code == 0)
            await server.terminate()
            #expect(try await installation.reflector("audit", "verify").code == 0)
        }
    }

    @Test
    func
        `a connection and an iperf3 that do not end hold the shutdown no longer than its timeout, and the next start settles`()
        async throws
    {
        try await Installation.with(["REFLECTOR_LIMITS_SHUTDOWN_TIMEOUT_SEC": "1"]) { installation in
            // Listens like iperf3, never answers, and ignores SIGTERM: only SIGKILL, after 5 s, would end it.
            let script = """
                #!/usr/bin/env python3
                import signal, socket, sys, time
                if "--version" in sys.argv: sys.exit(print("iperf 3.12"))
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                listener = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])))
                time.sleep(60)
                """
            let path = installation.folder + "/iperf3-deaf"
            try Data(script.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            var environment = installation.environment
            environment["REFLECTOR_IPERF3_PATH"] = path
            let server = try await Tool.start("reflector", ["serve"], environment)
            try await eventually("the server answers") {
                try await installation.reflector("status").code == 0 ? true : nil
            }
            try await installation.pair()
            let client = try await Tool.start(
                "paramedic",
                ["throughput", "--duration", "60", "--engine", "iperf3"],
                installation.environment
            )
            let child = try await iperfChild(of: server.pid)
            try await installation.audited("session_granted")
            server.signal(SIGTERM)
            let end = await server.exit()
            #expect(end.status == .exited(1))
            let words = String(decoding: end.errorOutput, as: UTF8.self)
            #expect(words.contains("limits.shutdown_timeout_sec, 1 s"), "\(words)")
            try await gone(child)
            #expect(await client.exit().code != 0)
            try await installation.serving { _ in
                let verified = try await installation.reflector("audit", "verify")
                #expect(verified.code == 0)
            }
        }
    }

    @Test func `a second signal ends a server that is still shutting down at once`() async throws {
        try await Installation.with { installation in
            let server = try await installation.serve()
            server.signal(SIGTERM)
            server.signal(SIGINT)
            // Either the shutdown was done before the second signal came, or that ended it; it never hangs.
            let code = await server.exit().code
            #expect([0, 128 + SIGINT, 128 + SIGTERM].contains(code))
        }
    }

    @Test func `no token, key or password is in a log, in a process list or in --json output`() async throws {
        try await Installation.with(
            [
                "REFLECTOR_NETWORK_MODE": "direct_ephemeral", "REFLECTOR_LOGGING_LEVEL": "trace",
                "PARAMEDIC_LOGGING_LEVEL": "trace",
            ]
        ) { installation in
            let server = try await installation.serve()
            let token = try await installation.pair()
            let client = try await Tool.start(
                "paramedic",
                ["throughput", "--duration", "10", "--engine", "iperf3", "--json"],
                installation.environment
            )
            let child = try await iperfChild(of: server.pid)
            let users = try secretsOfIperf(in: installation.folder + "/r")
            #expect(!users.isEmpty)
            // Both iperf3 run from here on.
            let password = try await passwordOfIperf(startedBy: client.pid)
            let lines = try commandLines()
            for option in ["--rsa-private-key-path", "--rsa-public-key-path"] {
                #expect(lines.contains { $0.contains(option) }, "an iperf3 was not looked at")
            }
            let result = await client.exit()
            #expect(result.code == 0, "\(String(decoding: result.errorOutput, as: UTF8.self))")
            #expect(!isAlive(child))
            server.signal(SIGTERM)
            let log = await server.exit()
            let seed = try Data(contentsOf: URL(fileURLWithPath: installation.folder + "/r/identity.ed25519"))
            let hexSeed = seed.map { String(format: "%02x", $0) }.joined()
            let texts =
                lines + [
                    String(decoding: log.errorOutput, as: UTF8.self), String(decoding: result.output, as: UTF8.self),
                    String(decoding: result.errorOutput, as: UTF8.self),
                    try await installation.reflector("audit", "export").output,
                ]
            for secret in [token, hexSeed, password] + users {
                for text in texts { #expect(!text.contains(secret)) }
            }
            // The one-time key files are gone with the test.
            let left = try FileManager.default.contentsOfDirectory(atPath: installation.folder + "/r")
            #expect(!left.contains { $0.hasPrefix("iperf3-") })
        }
    }

    @Test func `the pairing token is not in the process list while paramedic pair runs`() async throws {
        try await Installation.with { installation in
            // Accepts and says nothing, so that the client waits.
            let (port, listener) = try Installation.listen()
            defer { close(listener) }
            let id = try await installation.reflector("show-id").output.trimmingCharacters(in: .newlines)
            for arguments in [["--token", "secret-token-1"], ["--token=secret-token-1"]] {
                let client = try await Tool.start(
                    "paramedic",
                    ["pair", "127.0.0.1:\(port)", "--id", id] + arguments,
                    installation.environment
                )
                let line = try await eventually("the token is covered up") {
                    let line = (try? String(contentsOfFile: "/proc/\(client.pid)/cmdline", encoding: .utf8)) ?? ""
                    return line.contains("xxxxxxxxxxxxxx") ? line : nil
                }
                #expect(!line.contains("secret-token-1"))
                await client.terminate(grace: .milliseconds(100))
            }
        }
    }

    @Test func `rotate-identity: a running server switches, its peers pair again, and the audit log stays whole`()
        async throws
    {
        try await Installation.with { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let old = try await installation.reflector("show-id").output
                let rotated = try await installation.reflector("rotate-identity", "--json").json()
                #expect(rotated["old_endpoint_id"] as? String == old.trimmingCharacters(in: .newlines))
                let new = try await installation.reflector("show-id").output
                #expect(new != old)
                #expect(
                    try await installation.reflector("status").output.contains(new.trimmingCharacters(in: .newlines))
                )
                let refused = try await installation.paramedic("path")
                #expect(refused.code == 1)
                #expect(refused.errors.contains("rotated"))
                try await installation.pair("--replace")
                #expect(try await installation.paramedic("path").code == 0)
                // A log that failed under the new key is opened again.
                let path = installation.folder + "/r/audit.jsonl"
                try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
                let denied = try await installation.paramedic("latency", "--duration", "1")
                #expect(denied.code != 0 && denied.errors.contains("audit log"), "\(denied.errors)")
                try? FileManager.default.removeItem(atPath: path)
                try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
                try await eventually("the audit log is open again") {
                    try await installation.paramedic("latency", "--duration", "1").code == 0 ? true : nil
                }
                let kept = try #require(rotated["old_key"] as? String)
                #expect(try Data(contentsOf: URL(fileURLWithPath: kept)).count == 32)
            }
            #expect(try await installation.reflector("audit", "verify").code == 0)
            // And once more with no server running.
            for _ in 0..<2 { #expect(try await installation.reflector("rotate-identity").code == 0) }
            #expect(try await installation.reflector("audit", "verify").code == 0)
            let log = try await installation.reflector("audit", "export").output
            #expect(log.split(separator: "\n").count { $0.contains("identity_rotated") } == 3)
            try await installation.serving { _ in try await installation.pair("--replace") }
        }
    }

    @Test(arguments: ["127.0.0.1", "[::1]"])
    func `a whole examination is printed, kept, and shown again in every form`(host: String) async throws {
        try await Installation.with(["REFLECTOR_NETWORK_LISTEN_ADDRESS": "\(host):0"]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let page = installation.folder + "/report.html"
                let run = try await installation.paramedic("run", "--duration", "1", "--html", page)
                #expect(run.code == 0, "\(run.errors)")
                for words in ["Throughput", "Latency without load", "Latency under load", "The machines"] {
                    #expect(run.output.contains(words))
                }
                let html = try String(contentsOfFile: page, encoding: .utf8)
                #expect(html.contains("<svg") && html.contains("prefers-color-scheme"))
                let json = try await installation.paramedic("report", "--json").json()
                #expect(json["schema"] as? String == "outpost-examination/1")
                #expect((json["notes"] as? [Any])?.isEmpty == true, "\(json["notes"] ?? "")")
                // A page of HTML goes with every form of every command.
                for command in ["history", "report"] {
                    for form in ["--json", "--csv", "--log-level=warn"] {
                        try FileManager.default.removeItem(atPath: page)
                        let both = try await installation.paramedic(command, form, "--html", page)
                        #expect(both.code == 0 && !both.output.isEmpty, "\(command) \(form): \(both.errors)")
                        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("<html"))
                        if form == "--json" {
                            _ = try JSONSerialization.jsonObject(with: Data(both.output.utf8))
                        }
                    }
                }
                let csv = try await installation.paramedic("report", "--csv")
                #expect(csv.output.split(separator: "\r\n").count > 5)
                #expect(try await installation.paramedic("history").lines.count > 2)
                // The terminal's escapes are for terminals only.
                #expect(!run.output.contains("\u{1b}"))
            }
        }
    }

    // MARK: Looking at processes

    private func iperfChild(of server: Int32) async throws -> Int32 {
        try await eventually("an iperf3 was started") {
            let children =
                (try? String(contentsOfFile: "/proc/\(server)/task/\(server)/children", encoding: .utf8)) ?? ""
            for pid in children.split(separator: " ").compactMap({ Int32($0) }) + (try childrenByScan(of: server)) {
                let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
                if line.contains("iperf3"), line.contains("-s") { return pid }
            }
            return nil
        }
    }

    private func childrenByScan(of parent: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let rest = stat.split(separator: ")").last
            else { return false }
            return rest.split(separator: " ").dropFirst().first.flatMap { Int32($0) } == parent
        }
    }

    private func auditLines(_ installation: Installation) async throws -> [Substring] {
        try await installation.reflector("audit", "export").output.split(separator: "\n")
    }

    private func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.split(separator: ")").last?.split(separator: " ").first != "Z"
    }

    private func gone(_ pid: Int32) async throws {
        try await eventually("iperf3 \(pid) ends with the server") { isAlive(pid) ? nil : true }
    }

    private func commandLines() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int32($0) != nil }.compactMap { pid in
            FileManager.default.contents(atPath: "/proc/\(pid)/cmdline").map {
                String(decoding: $0.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
            }
        }
    }

    /// What the client's iperf3 logs in with, from its environment.
    private func passwordOfIperf(startedBy client: Int32) async throws -> String {
        var password: String?
        try await eventually("the client's iperf3 runs") {
            for pid in try childrenByScan(of: client) {
                // Before it has become iperf3, the child has the client's environment.
                let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
                let entry = variables.split(separator: 0).first { $0.starts(with: "IPERF3_PASSWORD=".utf8) }
                if let entry {
                    password = String(decoding: entry.dropFirst("IPERF3_PASSWORD=".utf8.count), as: UTF8.self)
                }
            }
            return password == nil ? nil : true
        }
        guard let password, !password.isEmpty else { throw Installation.Problem("iperf3 has no password") }
        return password
    }

    /// The password hashes and the body of the private key that a running test's iperf3 uses.
    private func secretsOfIperf(in state: String) throws -> [String] {
        let folders = try FileManager.default.contentsOfDirectory(atPath: state).filter { $0.hasPrefix("iperf3-") }
        return try folders.flatMap { folder -> [String] in
            let users = try String(contentsOfFile: "\(state)/\(folder)/users.csv", encoding: .utf8)
            let key = try String(contentsOfFile: "\(state)/\(folder)/key.pem", encoding: .utf8)
            let hash = users.split(separator: ",").last.map { $0.trimmingCharacters(in: .newlines) }
            return [hash, key.split(separator: "\n").dropFirst().first.map(String.init)].compactMap { $0 }
        }
    }
}

extension Tool {
    /// Asks a database with the sqlite3 of Python, another reader than ours.
    static func query(_ path: String, _ sql: String) async throws -> String {
        let script =
            "import sqlite3,sys;print('|'.join(map(str,sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())))"
        let exit = try await ChildProcess.start("python3", ["-c", script, path, sql]).exit()
        return String(decoding: exit.output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
