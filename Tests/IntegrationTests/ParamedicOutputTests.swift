internal import Foundation
internal import Operations
internal import Testing

@Suite("Standard output of the tools", .timeLimit(.minutes(3)))
struct ParamedicOutputTests {
    /// Runs a line of shell in which `$0` is the tool.
    private func shell(_ line: String, _ tool: String, _ installation: Installation) async throws -> Tool.Result {
        let environment = installation.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }
        let child = try await ChildProcess.start(
            "/bin/bash",
            ["-c", line, try Tool.path(tool)],
            environment: environment
        )
        let exit = await child.exit()
        return Tool.Result(
            code: exit.code,
            output: String(decoding: exit.output, as: UTF8.self),
            errors: String(decoding: exit.errorOutput, as: UTF8.self)
        )
    }

    @Test(
        arguments: [
            ("paramedic", "id"), ("paramedic", "id --json"), ("paramedic", "--help"), ("paramedic", "run --help"),
            ("paramedic", "reflectors --json"), ("reflector", "show-id"), ("reflector", "show-id --json"),
        ]
    )
    func `a full device is an error with 74, whatever is printed`(tool: String, arguments: String) async throws {
        try await Installation.with { installation in
            let result = try await shell("\"$0\" \(arguments) > /dev/full", tool, installation)
            #expect(result.code == 74)
            #expect(result.errors.contains("\(tool): standard output could not be written"), "\(result.errors)")
        }
    }

    @Test(arguments: ["paramedic", "reflector"])
    func `a reader that goes away is no error`(tool: String) async throws {
        try await Installation.with { installation in
            let line = "\"$0\" --help | true; code=${PIPESTATUS[0]}; \"$0\" --help | head -1; exit $code"
            let result = try await shell(line, tool, installation)
            // 141: ended by SIGPIPE, as tools are.
            #expect([0, 141].contains(result.code))
            #expect(result.errors.isEmpty, "\(result.errors)")
            #expect(result.output.hasPrefix("OVERVIEW"))
        }
    }

    @Test(
        arguments: [
            ("latency --duration 1 --json", 1, "no reflector is known"), ("run --json", 1, "no reflector is known"),
            ("history -r unknown --json", 1, "no reflector is called"), ("report --json", 1, "the history is empty"),
            ("--json latency --duration 0", 64, "--duration must be"),
            ("path --json -r unknown", 1, "no reflector is called"),
            ("pair h --id x --json", 64, "--id: an Endpoint ID"),
            ("reflectors remove unknown --json", 1, "no reflector"),
            ("reflectors --json --config /nowhere", 78, "/nowhere"), ("run --json --csv", 64, "exclude each other"),
        ]
    )
    func `with --json a command that fails puts out its error as JSON, with its exit code`(
        line: String,
        code: Int32,
        words: String
    ) async throws {
        try await Installation.with { installation in
            let arguments = line.split(separator: " ").map(String.init)
            let result = try await Tool.run("paramedic", arguments, installation.environment)
            #expect(result.code == code)
            let error = try #require(try result.json()["error"] as? [String: Any], "\(result.output)")
            #expect(error["exit_code"] as? Int == Int(code))
            let message = try #require(error["message"] as? String)
            #expect(message.contains(words), "\(message)")
            #expect(result.errors.contains(words))
        }
    }

    @Test func `a denied test says its reason in the error's JSON, and when it may run again`() async throws {
        try await Installation.with(["REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER": "1"]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let first = try await installation.paramedic("latency", "--duration", "1", "--json")
                #expect(first.code == 0)
                #expect(try first.json()["error"] == nil)
                for command in ["latency", "throughput", "bufferbloat"] {
                    let result = try await installation.paramedic(command, "--duration", "1", "--json")
                    #expect(result.code == 4)
                    let error = try #require(try result.json()["error"] as? [String: Any])
                    #expect(error["reason"] as? String == "rate_limited")
                    #expect(error["retry_after_sec"] as? Int ?? 0 > 3_000)
                    #expect(error["exit_code"] as? Int == 4)
                }
            }
        }
    }

    @Test(
        arguments: [
            "latency --duration 0", "throughput --bitrate 0", "pair h:1 --id x", "pair h:x --id PP-1",
            "history --last 0",
            "reflectors rename a",
        ]
    )
    func `wrong usage points to the help of its own command`(line: String) async throws {
        try await Installation.with { installation in
            let arguments = line.split(separator: " ").map(String.init)
            let result = try await Tool.run("paramedic", arguments, installation.environment)
            #expect(result.code == 64)
            let command = arguments[0] == "reflectors" ? "reflectors rename" : arguments[0]
            #expect(result.errors.contains("See 'paramedic \(command) --help'"), "\(result.errors)")
        }
    }

    @Test
    func `history of an unknown name exits 1 and names those that are known; the JSON of a reflector is snake_case`()
        async throws
    {
        try await Installation.with { installation in
            try await installation.serving { _ in
                try await installation.pair("--name", "home")
                for command in ["history", "report"] {
                    let result = try await installation.paramedic(command, "-r", "hoem")
                    #expect(result.code == 1)
                    #expect(result.errors.contains("no reflector is called \"hoem\"; known are home"))
                }
                #expect(try await installation.paramedic("history", "-r", "home").code == 0)
                let list = try await installation.paramedic("reflectors", "--json").list()
                let address = try #require((list.first as? [String: Any])?["address"] as? [String: Any])
                #expect(Set(address.keys) == ["host", "port", "endpoint_id"])
            }
        }
    }

    @Test func `a rate of nothing is refused with what leaving it out means`() async throws {
        let result = try await Tool.run("paramedic", ["throughput", "--bitrate", "0"], ["HOME": "/nonexistent"])
        #expect(result.code == 64)
        #expect(result.errors.contains("no limit over TCP, and for iperf3's own 1 Mbit/s for each stream over UDP"))
    }
}
