internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("A latency plan")
struct LatencyPlanTests {
    @Test func `an hour at a thousand a second is taken; what does not fit is refused with the limit and the way out`()
        throws
    {
        try LatencyPlan(durationSec: 3_600, intervalMs: 1).validate()
        try LatencyPlan(durationSec: 86_400, intervalMs: 60_000).validate()
        let plan = LatencyPlan(durationSec: 86_400, intervalMs: 0.05)
        let error = #expect(throws: ParamedicError.self) { try plan.validate() }
        #expect(
            error?.description
                == "86400 s with a probe every 0.05 ms are 1 728 000 000 probes: must be at most 4 000 000; make the test "
                + "shorter, or the interval at least 21.600 ms"
        )
        try LatencyPlan(durationSec: 86_400, intervalMs: 21.6).validate()
        // Nor does a plan that cannot be counted trap.
        for plan in [
            LatencyPlan(durationSec: .max, intervalMs: .leastNonzeroMagnitude),
            LatencyPlan(durationSec: 1, intervalMs: 0),
        ] {
            #expect(plan.count == .max)
            #expect(throws: ParamedicError.self) { try plan.validate() }
        }
    }

    @Test func `a probe beside a load keeps the usual pace while that fits, and slows down when it does not`() throws {
        #expect(LatencyPlan.besideLoad(seconds: 20).intervalMs == LatencyPlan.usualIntervalMs)
        #expect(LatencyPlan.besideLoad(seconds: 20).count == 2_000)
        for seconds in [40_000, 40_001, 86_410, 1_000_000] {
            let plan = LatencyPlan.besideLoad(seconds: seconds)
            try plan.validate()
            #expect(plan.count >= LatencyPlan.mostProbes - 1)
        }
    }

    @Test func `a plan that does not fit asks the reflector for nothing`() async throws {
        try await ScriptedReflector.with { message in
            if case .hello = message { .serverHello(ScriptedReflector.hello) } else { nil }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let error = await failure { try await examiner.latency(LatencyPlan(durationSec: 86_400, intervalMs: 0.05)) }
            #expect(error is ParamedicError)
            #expect(reflector.asked.count == 1)
            await examiner.close()
        }
    }
}
