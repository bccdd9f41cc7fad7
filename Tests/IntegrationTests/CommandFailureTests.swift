internal import Foundation
internal import Operations
internal import Testing

@Suite("How reflector fails", .timeLimit(.minutes(3)))
struct CommandFailureTests {
    @Test(
        arguments: [
            "reflector show-id --log-level loud", "reflector serve --bind nonsense", "reflector serve --bind host:4000",
            "reflector pair --ttl soon", "reflector pair --ttl 500ms", "reflector pair --ttl 0s",
            "reflector pair --ttl 2d", "reflector audit export --since sometime", "reflector status --config=",
            "paramedic id --log-level loud", "paramedic id --state=", "paramedic id --config=",
        ]
    )
    func `an option's value that cannot be read exits 64 and points to the help of its own command`(line: String)
        async throws
    {
        let words = line.split(separator: " ").map(String.init)
        try await Installation.with { installation in
            let result = try await Tool.run(words[0], Array(words.dropFirst()), installation.environment)
            #expect(result.code == 64, "\(result.errors)")
            #expect(result.output.isEmpty)
            let command = words.prefix { !$0.hasPrefix("-") }.joined(separator: " ")
            #expect(result.errors.contains("See '\(command) --help'"), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: installation.folder + "/r"))
        }
    }

    @Test(
        arguments: ["", "serve", "pair", "audit verify", "rotate-identity"]
    )
    func `the help's paragraphs fill their lines`(command: String) async throws {
        let words = command.split(separator: " ").map(String.init)
        let help = try await Tool.run("reflector", words + ["--help"], ["COLUMNS": "80"])
        let overview = help.lines.prefix { !$0.hasPrefix("USAGE") }
        #expect(overview.allSatisfy { $0.count <= 80 })
        // A line ends where the next word has no room.
        for (line, next) in zip(overview, overview.dropFirst()) where !line.isEmpty && !next.isEmpty {
            let word = next.prefix { $0 != " " }
            #expect(line.count + 1 + word.count > 78, "\(line)")
        }
    }

    @Test func `an address that cannot be listened on is an error with a remedy`() async throws {
        try await Installation.with { installation in
            let (port, descriptor) = try Installation.listen(on: 0)
            defer { close(descriptor) }
            let taken = try await installation.reflector("serve", "--bind", "127.0.0.1:\(port)")
            #expect(taken.code == 1)
            for words in [
                "cannot listen on 127.0.0.1:\(port)", "another program listens there", "ss -ltnp", "--bind",
            ] {
                #expect(taken.errors.contains(words), "\(taken.errors)")
            }
            // No machine has an address in TEST-NET-1.
            let foreign = try await installation.reflector("serve", "--bind", "192.0.2.1:4000")
            #expect(foreign.code == 1 && foreign.errors.contains("this machine does not have that address"))
            let path = installation.folder + "/r/control.sock"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: installation.folder + "/r")
            let named = try await installation.reflector("serve")
            #expect(
                named.code == 1
                    && named.errors.contains("unix:\(path): there is a file that is no socket; move it away"),
                "\(named.errors)"
            )
            for result in [taken, foreign, named] { #expect(!result.errors.contains("descriptor")) }
        }
    }

    @Test func `what does not exist yet is reported as that, and asking creates nothing`() async throws {
        try await Installation.with { installation in
            for command in [["verify"], ["rotate"], ["export"], ["repair"]] {
                let result = try await Tool.run("reflector", ["audit"] + command, installation.environment)
                #expect(result.code == 1 && result.output.isEmpty)
                #expect(result.errors.contains(" yet; `reflector serve` "), "\(command): \(result.errors)")
            }
            let rotation = try await installation.reflector("rotate-identity")
            #expect(rotation.code == 1 && rotation.errors.contains("there is no identity"), "\(rotation.errors)")
            _ = try await installation.reflector("show-id")
            for command in [["verify"], ["rotate"], ["export"], ["repair"]] {
                let result = try await Tool.run("reflector", ["audit"] + command, installation.environment)
                #expect(result.code == 1 && result.errors.contains("there is no audit log"), "\(result.errors)")
            }
            let log = installation.folder + "/r/audit.jsonl"
            #expect(!FileManager.default.fileExists(atPath: log))
            // A checkpoint without its log is another matter.
            try Data().write(to: URL(fileURLWithPath: log + ".checkpoint"))
            let gone = try await installation.reflector("audit", "verify")
            #expect(gone.code == 1 && gone.errors.contains("is gone"), "\(gone.errors)")
        }
    }

    @Test func `a state folder that cannot be used is an error that says why and how to choose another`() async throws {
        try await Installation.with { installation in
            let folder = installation.folder + "/r"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
            let open = try await installation.reflector("serve")
            #expect(open.code == 1)
            for words in ["mode, 0777", "chmod go-w \(folder)", "REFLECTOR_IDENTITY_PRIVATE_KEY_PATH"] {
                #expect(open.errors.contains(words), "\(open.errors)")
            }
            let missing = try await installation.reflector("config", "check", "-c", installation.folder + "/none.toml")
            #expect(missing.code == 78 && missing.errors.contains("correct the path"), "\(missing.errors)")
        }
    }

    @Test func `a user who is not root and has no configuration gets the advice to choose a folder`() async throws {
        let arguments = ["--reuid=65534", "--regid=65534", "--clear-groups", try Tool.path("reflector"), "serve"]
        let root = getuid() == 0
        let process = try await ChildProcess.start(
            root ? "setpriv" : try Tool.path("reflector"),
            root ? arguments : ["serve"],
            environment: ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin"]
        )
        let exit = await process.exit()
        let errors = String(decoding: exit.errorOutput, as: UTF8.self)
        #expect(exit.code == 1)
        #expect(errors.contains("REFLECTOR_IDENTITY_PRIVATE_KEY_PATH") && errors.contains("own"), "\(errors)")
    }

    @Test
    func `a user who may not write the system's folder gets one of their own, and --state chooses another folder`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "own-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let isRoot = getuid() == 0
        if isRoot { chown(folder, 65_534, 65_534) }
        func run(_ arguments: String...) async throws -> Tool.Result {
            let tool = try Tool.path("reflector")
            let exit = try await ChildProcess.start(
                isRoot ? "setpriv" : tool,
                (isRoot ? ["--reuid=65534", "--regid=65534", "--clear-groups", tool] : []) + arguments,
                environment: ["HOME": folder, "PATH": "/usr/bin:/bin"]
            ).exit()
            return Tool.Result(
                code: exit.code,
                output: String(decoding: exit.output, as: UTF8.self),
                errors: String(decoding: exit.errorOutput, as: UTF8.self)
            )
        }
        let own = try await run("show-id")
        #expect(own.code == 0, "\(own.errors)")
        #expect(FileManager.default.fileExists(atPath: folder + "/.local/state/reflector/identity.ed25519"))
        let status = try await run("status")
        #expect(status.code == 3 && status.errors.contains("/var/lib/reflector"), "\(status.errors)")
        let other = try await run("show-id", "--state", folder + "/other")
        #expect(other.code == 0 && other.output != own.output, "\(other.errors)")
        #expect(try await run("--state", folder + "/other", "show-id").output == other.output)
        #expect(try await run("show-id").output == own.output)
        #expect(try await run("show-id", "--state", "").code == 64)
    }

    @Test func `with --json a command that fails prints one object with the sentence and the exit code`() async throws {
        try await Installation.with { installation in
            let someone = "PP-TXD9-G0C2-P45B-FNAB-ZV9W-JS07-787E-2WQK-VAK2-69DF-08D6-HXR7-A4D0-R"
            for (command, code) in [
                (["status"], 3), (["pair"], 3), (["audit", "verify"], 1), (["audit", "rotate"], 1),
                (["audit", "repair"], 1), (["rotate-identity"], 1), (["peers", "remove", "stranger"], 1),
                (["peers", "rename", someone, "cellar"], 1), (["peers", "--config", "/nowhere.toml"], 78),
                (["audit", "export"], 1), (["serve", "--bind", "192.0.2.1:4000"], 1), (["pair", "--ttl", "soon"], 64),
            ] {
                let result = try await Tool.run("reflector", command + ["--json"], installation.environment)
                let object = try result.json()
                #expect(result.code == Int32(code), "\(command)")
                let error = try #require(object["error"] as? [String: Any], "\(command): \(result.output)")
                #expect(error["exit_code"] as? Int == code, "\(command): \(result.output)")
                #expect(result.errors.contains(try #require(error["message"] as? String)))
            }
        }
    }

    @Test(
        arguments: ["reflector", "paramedic"]
    )
    func `config check --json lists every fault with file, line, key, problem and remedy`(tool: String) async throws {
        try await Installation.with { installation in
            let path = installation.folder + "/faulty.toml"
            try Data("[logging]\nlevel = 3\nformt = \"text\"\n".utf8).write(to: URL(fileURLWithPath: path))
            let faulty = try await Tool.run(tool, ["config", "check", "-c", path, "--json"], installation.environment)
            #expect(faulty.code == 78 && faulty.errors.isEmpty)
            let object = try faulty.json()
            #expect(object["configuration"] as? String == path && object["status"] as? String == "faulty")
            let problems = try #require(object["problems"] as? [[String: Any]])
            #expect(problems.map { $0["line"] as? Int } == [2, 3])
            #expect(problems.map { $0["key"] as? String } == ["logging.level", "logging.formt"])
            #expect(problems[0]["file"] as? String == path)
            #expect((problems[0]["problem"] as? String)?.contains("found 3 (an integer), expected one of") == true)
            #expect(problems[1]["remedy"] as? String == "did you mean format?")
            try Data("".utf8).write(to: URL(fileURLWithPath: path))
            let good = try await Tool.run(tool, ["config", "check", "-c", path, "--json"], installation.environment)
            #expect(good.code == 0)
            #expect(try good.json() as? [String: String] == ["configuration": path, "status": "ok"])
        }
    }

    @Test func `the log names the peer of a test that ended, and says at the start that iperf3 is missing`()
        async throws
    {
        try await Installation.with(["REFLECTOR_IPERF3_PATH": "/nonexistent/iperf3"]) { installation in
            let server = try await installation.serve()
            do {
                try await installation.pair()
                _ = try await installation.paramedic("latency", "--duration", "1")
            } catch {
                await server.terminate()
                throw error
            }
            await server.terminate()
            let log = String(decoding: await server.exit().errorOutput, as: UTF8.self)
            let id = try await installation.paramedic("id").output.trimmingCharacters(in: .newlines)
            #expect(log.contains("iperf3 was not found"), "\(log)")
            let ended = log.split(separator: "\n").first { $0.contains("session ended") }
            #expect(ended?.contains("peer.id=\(id)") == true, "\(log)")
        }
    }

    @Test
    func `a label that would have to be changed is refused with what is allowed, and the times of peers are RFC 3339`()
        async throws
    {
        try await Installation.with { installation in
            try await installation.serving { _ in try await installation.pair() }
            let id = try await installation.paramedic("id").output.trimmingCharacters(in: .newlines)
            for label in ["", " cellar", "a\nb", "two  spaces", String(repeating: "x", count: 65)] {
                let result = try await installation.reflector("peers", "rename", "--", id, label)
                #expect(
                    result.code == 64 && result.errors.contains("1–64 bytes of printable text"),
                    "\(result.errors)"
                )
            }
            #expect(try await installation.reflector("peers", "rename", id, "wine cellar").code == 0)
            let peers = try await installation.reflector("peers", "--json").json()
            let peer = try #require((peers["paired"] as? [[String: Any]])?.first)
            #expect(peer["label"] as? String == "wine cellar")
            #expect(Timestamp(try #require(peer["paired_at"] as? String)) != nil)
            #expect(Set(peer.keys) == ["endpoint_id", "label", "paired_at", "paired_from"])
        }
    }
}
