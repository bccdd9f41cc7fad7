internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("A reflector that invents", .timeLimit(.minutes(3)))
struct InventedAnswerTests {
    @Test func `more streams than were asked for are not opened: the test is closed, and the reason says the counts`()
        async throws
    {
        var grant = ScriptedReflector.grant("many")
        grant.streams = 128
        let many = grant
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(many)
            default: .ok
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let params = SessionParameters(durationSec: 1, streams: 2)
            let error = await failure { try await examiner.throughput(params) }
            guard case .unexpected(let what)? = error as? LinkClientError else {
                Issue.record("another failure: \(String(describing: error))")
                return
            }
            #expect(what.contains("128") && what.contains("2"))
            try await reflector.closes("many")
            #expect(!reflector.asked.contains { if case .tunnelOpen = $0 { true } else { false } })
            await examiner.close()
        }
    }

    @Test func `a direction that was not asked for is no part of the result`() async throws {
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(ScriptedReflector.grant("i"))
            case .getResult:
                .result(
                    SessionResult(
                        testID: "i",
                        testType: .throughput,
                        state: .completed,
                        durationMs: 1_000,
                        bytesUp: 0,
                        bytesDown: 0,
                        throughput: ThroughputResult(
                            engine: .native,
                            transport: .tcp,
                            mode: .tunneled,
                            streams: 1,
                            directions: StreamDirection.allCases.map {
                                ThroughputDirection(direction: $0, durationSec: 1)
                            }
                        )
                    )
                )
            default: .ok
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            for isReverse in [false, true] {
                let params = SessionParameters(durationSec: 1, reverse: isReverse)
                let (result, _) = try await examiner.throughput(params)
                #expect(result.directions.map(\.direction) == [isReverse ? .down : .up])
            }
            await examiner.close()
        }
    }
}
