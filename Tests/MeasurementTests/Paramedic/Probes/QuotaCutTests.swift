internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("A test that the day's quota cuts", .timeLimit(.minutes(3)))
struct QuotaCutTests {
    private static let quota = 9_000_000

    @Test(
        arguments: ThroughputEngine.allCases,
        [DataMode.tunneled, .directEphemeral]
    )
    func `an upload shows what the reflector received, with either engine`(engine: ThroughputEngine, mode: DataMode)
        async throws
    {
        try await TestReflector.withExaminer(mode, { $0.quotas.maxBytesPerDayPerPeer = Self.quota }) {
            reflector,
            examiner in
            // 5 MB a second: the quota is spent after iperf3's first intervals.
            let params = SessionParameters(durationSec: 30, streams: 1, bitrateBps: 40_000_000, engine: engine)
            let (result, _) = try await examiner.throughput(params)
            #expect(result.notes.contains("the day's byte quota ended the test early"))
            let up = try #require(result[.up])
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            let received = try #require(completed["bytes_received"] as? Int)
            // The receiver's count; an iperf3 that is ended tells only its whole intervals.
            let shown = try #require(up.bytesReceived)
            #expect(up.bytes == shown && up.bitsPerSecondReceived != nil, "\(up)")
            #expect(engine == .native ? shown == received : shown <= received, "\(up)")
        }
    }

    @Test func `an iperf3 that was cut before it had measured anything is reported as the quota, not as a broken pipe`()
        async throws
    {
        // Spent before the first second is over, also on a slow machine.
        try await TestReflector.withExaminer(.tunneled, { $0.quotas.maxBytesPerDayPerPeer = 1_000_000 }) {
            _,
            examiner in
            let params = SessionParameters(durationSec: 3, streams: 1, engine: .iperf3)
            let error = await failure { try await examiner.throughput(params) }
            guard case .endedEarly(.budgetSpent)? = error as? LinkClientError else {
                Issue.record("another failure: \(String(describing: error))")
                return
            }
        }
    }
}
