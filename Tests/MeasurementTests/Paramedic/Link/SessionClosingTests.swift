internal import Identity
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("The close of a test", .timeLimit(.minutes(3)))
struct SessionClosingTests {
    @Test func `a latency test is closed once, for its counts`() async throws {
        let token = AccessToken.random()
        let echo = try EchoServer(binding: InternetAddress(.loopbackIPv4, port: 0))
        defer { echo.shutdown() }
        try echo.admit(EchoPermit(token: token, peer: .host(.loopbackIPv4), maximumPacketsPerSecond: 1_000))
        try echo.start()
        var grant = ScriptedReflector.grant("echo")
        (grant.mode, grant.port, grant.token) = (.directEphemeral, Int(echo.address.port), token.hex)
        try await ScriptedReflector.with { [grant] message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(grant)
            case .getResult:
                .result(
                    SessionResult(
                        testID: "echo",
                        testType: .udpEcho,
                        state: .completed,
                        durationMs: 1_000,
                        bytesUp: 0,
                        bytesDown: 0
                    )
                )
            default: .ok
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let result = try await examiner.latency(LatencyPlan(durationSec: 1, intervalMs: 50))
            #expect(result.received > 0)
            await examiner.close()
            let closes = reflector.asked.filter { if case .sessionClose = $0 { true } else { false } }
            #expect(closes.count == 1)
        }
    }
}
