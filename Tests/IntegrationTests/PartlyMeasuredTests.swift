internal import Foundation
internal import Operations
internal import Testing

@Suite("A command that is cut short", .timeLimit(.minutes(3)))
struct PartlyMeasuredTests {
    @Test func `a reflector that dies in the middle of a run leaves what was measured, in print and in the history`()
        async throws
    {
        try await Installation.with { installation in
            try await installation.serving { server in
                try await installation.pair()
                let arguments = ["run", "--duration", "5", "--streams", "1"]
                let client = try await Tool.start("paramedic", arguments, installation.environment)
                // The client has the result of the latency test, and the download takes five seconds.
                try await installation.audited("session_granted", count: 2)
                server.signal(SIGKILL)
                let exit = await client.exit()
                #expect(exit.code == 0)
                let output = String(decoding: exit.output, as: UTF8.self)
                #expect(output.contains("Latency without load"))
                #expect(output.contains("bufferbloat was not measured: "), "\(output)")
                #expect(output.contains("The link could not be judged."))
                let history = try await installation.paramedic("history", "--json").list()
                let kept = try #require(history.first as? [String: Any])
                let missing = try #require(kept["not_measured"] as? [[String: String]])
                #expect(missing.map { $0["part"] } == ["download", "upload", "bufferbloat"])
            }
        }
    }

    @Test func `bufferbloat that is denied on the way prints its phases and exits 4`() async throws {
        try await Installation.with(["REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER": "1"]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let result = try await installation.paramedic("bufferbloat", "--duration", "1", "--json")
                #expect(result.code == 4)
                #expect(result.errors.contains("rate_limited"))
                let json = try result.json()
                #expect((json["phases"] as? [Any])?.count == 1)
                #expect(
                    (json["not_measured"] as? [[String: String]])?.map { $0["part"] } == ["download", "upload", "both"]
                )
            }
        }
    }
}
