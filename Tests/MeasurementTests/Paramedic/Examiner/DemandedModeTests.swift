internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// `--mode`: the client demands a mode, the reflector's configuration decides.
@Suite("A demanded mode", .timeLimit(.minutes(3)))
struct DemandedModeTests {
    @Test(arguments: DataMode.allCases)
    func `the configured mode is granted, the other denied without costing a test`(configured: DataMode) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = configured
            $0.quotas.maxTestsPerHourPerPeer = 1
        } _: { reflector in
            for mode in DataMode.allCases.sorted(by: { first, _ in first != configured }) {
                let examiner = try await Examiner.connect(to: reflector.address, key: key, mode: mode) { _ in }
                let plan = LatencyPlan(durationSec: 1, intervalMs: 100)
                if mode == configured {
                    // The only test of the hour is still there.
                    let result = try await examiner.latency(plan)
                    #expect(result.transport == (mode == .tunneled ? .tunneled : .udp))
                } else {
                    let error = await failure { try await examiner.latency(plan) }
                    guard case .denied(let deny)? = error as? LinkClientError else {
                        Issue.record("not denied: \(String(describing: error))")
                        return
                    }
                    #expect(deny.reason == .invalidParams)
                    #expect(deny.message.contains("network.mode"))
                    #expect(try await examiner.client.status().testsToday == 0)
                }
                await examiner.close()
            }
        }
    }

    @Test
    func `a reflector that does not know the wish grants the other mode: its test is closed at once, with the reason`()
        async throws
    {
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(ScriptedReflector.grant("older"))
            default: .ok
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(
                to: reflector.address,
                key: IdentityKey(),
                mode: .directEphemeral
            ) { _ in }
            let error = await failure { try await examiner.throughput(SessionParameters(durationSec: 1)) }
            guard case .wrongMode(.directEphemeral, .tunneled)? = error as? LinkClientError else {
                Issue.record("the wrong mode was taken: \(String(describing: error))")
                return
            }
            #expect("\(try #require(error))".contains("network.mode"))
            try await reflector.closes("older")
            await examiner.close()
        }
    }
}

extension ScriptedReflector {
    static let hello = ServerHello(
        version: "1.0",
        features: [LinkFeature.native, LinkFeature.latencyProbe],
        policySummary: PolicySummary(
            maxTestDurationSec: 60,
            maxConcurrentTests: 1,
            maxTestsPerHour: 10,
            allowedTestTypes: TestType.allCases.map(\.rawValue)
        )
    )

    /// A grant of a tunneled native test of one stream.
    static func grant(_ testID: String) -> SessionGrant {
        SessionGrant(
            testID: testID,
            mode: .tunneled,
            port: 0,
            token: String(repeating: "00", count: 16),
            expiresAt: "2030-01-01T00:00:00Z",
            engine: .native,
            streams: 1
        )
    }
}
