internal import Foundation
internal import Operations
internal import Testing

/// The tools of one user share an identity and an address book; what `paramedic` had before comes into them.
@Suite("What a user's tools share", .serialized)
struct SharedIdentityTests {
    /// An installation whose `paramedic` uses the folders of its user.
    private func with(_ body: (Installation, _ state: String) async throws -> Void) async throws {
        // An empty variable counts as unset; HOME is the installation's folder.
        try await Installation.with(["PARAMEDIC_STATE": ""]) { try await body($0, $0.folder + "/.local/state") }
    }

    /// Pairs as `paramedic` did before: all of its state in one folder.
    private func pairAsBefore(_ installation: Installation, _ state: String) async throws {
        try await installation.pair("--name", "demo", "--state", state + "/paramedic")
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `identity and reflectors of before are taken over once, with a line each, and may be measured`()
        async throws
    {
        try await with { installation, state in
            try await installation.serving { _ in
                try await pairAsBefore(installation, state)
                let old = try await installation.paramedic("id", "--state", state + "/paramedic")
                let first = try await installation.paramedic("latency", "--duration", "1", "--json")
                #expect(first.code == 0, "\(first.errors)")
                let lines = first.errors.split(separator: "\n").filter { $0.contains("took over") }
                #expect(lines.count == 2, "\(first.errors)")
                #expect(lines.first?.contains(old.output.trimmingCharacters(in: .newlines)) == true)
                #expect(lines.last?.contains("demo (may be measured, nothing else)") == true)
                let second = try await installation.paramedic("reflectors")
                #expect(second.errors.isEmpty && second.output.hasPrefix("demo  "), "\(second.errors)")
                let (id, bench) = (
                    try await installation.paramedic("id"),
                    try await Tool.run("packetbench", ["id"], installation.environment)
                )
                #expect(id.output == old.output && bench.output == old.output, "\(bench.errors)")
                #expect(try mode(state + "/outpost") == 0o700)
                for name in ["identity.ed25519", "peers.sqlite"] {
                    #expect(try mode(state + "/outpost/" + name) == 0o600)
                }
                // The old folder is used as before when it is named, and is the history's place without.
                let named = try await installation.paramedic("reflectors", "--state", state + "/paramedic")
                #expect(named.output.hasPrefix("demo  ") && named.errors.isEmpty)
                #expect(try await installation.paramedic("reflectors", "remove", "demo").code == 0)
                #expect(try await installation.paramedic("reflectors").code == 1)
                #expect(try await installation.paramedic("path", "--state", state + "/paramedic").code == 0)
            }
        }
    }

    @Test func `a fresh user gets one identity, pairs and measures with it, and prints nothing about it`() async throws
    {
        try await with { installation, state in
            try await installation.serving { _ in
                try await installation.pair("--name", "demo")
                let result = try await installation.paramedic("path", "--json")
                #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: state + "/paramedic/identity.ed25519"))
                let other = try await installation.paramedic("reflectors", "rename", "demo", "vps")
                #expect(other.code == 0)
                #expect(try await installation.paramedic("reflectors").output.hasPrefix("vps  "))
            }
        }
    }

    @Test func `a key that is given wins: nothing is taken over, and the shared folder is not even made`() async throws
    {
        try await with { installation, state in
            let key = ["PARAMEDIC_IDENTITY_PRIVATE_KEY_PATH": installation.folder + "/own.ed25519"]
            let environment = installation.environment.merging(key) { $1 }
            let id = try await Tool.run("paramedic", ["id"], environment)
            #expect(id.code == 0 && id.errors.isEmpty)
            let bench = try await Tool.run(
                "packetbench",
                ["id", "--key", installation.folder + "/own.ed25519"],
                installation.environment
            )
            #expect(bench.output == id.output)
            #expect(!FileManager.default.fileExists(atPath: state + "/outpost"))
        }
    }

    @Test
    func `two identities are refused with what is used and what to do; --state and --key go on with the old ones`()
        async throws
    {
        try await with { installation, state in
            let shared = try await installation.paramedic("id").output.trimmingCharacters(in: .newlines)
            let old = try await installation.paramedic("id", "--state", state + "/paramedic").output
            #expect(shared != old.trimmingCharacters(in: .newlines))
            let refused = try await installation.paramedic("id")
            #expect(refused.code == 1 && refused.output.isEmpty)
            #expect(refused.errors.contains(shared) && refused.errors.contains("--state"), "\(refused.errors)")
            #expect(try await installation.paramedic("id", "--state", state + "/paramedic").output == old)
            // packetbench has no identity of before, and uses the shared one.
            let bench = try await Tool.run("packetbench", ["id"], installation.environment)
            #expect(bench.output == shared + "\n", "\(bench.errors)")
        }
    }

    @Test
    func `a take-over that is killed at any moment is completed by the next run, and loses no key and no reflector`()
        async throws
    {
        try await with { installation, state in
            try await installation.serving { _ in
                try await pairAsBefore(installation, state)
            }
            let old = try await installation.paramedic("id", "--state", state + "/paramedic").output
            for round in 0..<10 {
                try? FileManager.default.removeItem(atPath: state + "/outpost")
                let child = try await Tool.start("paramedic", ["reflectors"], installation.environment)
                try await Task.sleep(for: .milliseconds(8 * round))
                child.signal(SIGKILL)
                _ = await child.exit()
                let known = try await installation.paramedic("reflectors")
                #expect(known.output.hasPrefix("demo  "), "round \(round): \(known.errors)")
                #expect(try await installation.paramedic("id").output == old)
                #expect(try await installation.paramedic("id", "--state", state + "/paramedic").output == old)
            }
        }
    }

    @Test func `tools that start at the same time take over once and have one identity`() async throws {
        try await with { installation, state in
            let old = try await installation.paramedic("id", "--state", state + "/paramedic").output
            let results = try await withThrowingTaskGroup(of: Tool.Result.self) { group in
                for tool in ["paramedic", "packetbench", "paramedic", "packetbench"] {
                    group.addTask { try await Tool.run(tool, ["id"], installation.environment) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.allSatisfy { $0.output == old && $0.code == 0 }, "\(results.map(\.errors))")
            #expect(results.filter { $0.errors.contains("took over the identity") }.count == 1)
        }
    }
}
