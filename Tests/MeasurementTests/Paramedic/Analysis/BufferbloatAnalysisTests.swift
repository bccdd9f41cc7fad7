internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct BufferbloatAnalysisTests {
    typealias Measurement = BufferbloatAnalysis.Measurement

    private func latency(mean: Double, count: Int = 100, lost: Int = 0, transport: LatencyResult.Transport = .udp)
        -> LatencyResult
    {
        let samples = (0..<(count + lost)).map { index in
            let sent = UInt64(index) * 20_000_000
            return ProbeSample(
                sequence: UInt64(index),
                sentNs: sent,
                receivedNs: index < count ? sent + UInt64(mean * 1e6) : nil
            )
        }
        return LatencyAnalysis.result(
            samples: samples,
            counters: nil,
            transport: transport,
            intervalMs: 20,
            payloadBytes: 64
        )
    }

    private func both(
        idle: Double = 10,
        down: Double,
        up: Double,
        downRate: Double? = 50e6,
        upRate: Double? = 10e6
    ) -> [Measurement] {
        [
            Measurement(phase: .idle, latency: latency(mean: idle)),
            Measurement(phase: .download, latency: latency(mean: down), downBitsPerSecond: downRate),
            Measurement(phase: .upload, latency: latency(mean: up), upBitsPerSecond: upRate),
        ]
    }

    @Test(arguments: [
        (-1.0, BufferbloatGrade.aPlus), (4.99, .aPlus), (5, .a), (29.9, .a), (30, .b), (59.9, .b), (60, .c),
        (199.9, .c),
        (200, .d), (399.9, .d), (400, .f), (1e9, .f), (.infinity, .f), (.nan, .f),
    ])
    func `a grade starts where the one before it ends`(increase: Double, grade: BufferbloatGrade) {
        #expect(BufferbloatGrade(meanIncreaseMs: increase) == grade)
    }

    @Test func `the worst direction gives the grade and the round trips per minute`() {
        let result = BufferbloatAnalysis.result(both(down: 22, up: 160))
        #expect(result[.download]?.increaseMs == 12)
        #expect(result[.download]?.grade == .a)
        #expect(result[.upload]?.increaseMs == 150)
        #expect(result[.upload]?.grade == .c)
        #expect(result.grade == .c)
        #expect(result.inconclusive == nil)
        #expect(result.roundTripsPerMinute == 375)
        #expect(result[.idle]?.roundTripsPerMinute == 6000)
        #expect(result.gradeTable == BufferbloatGrade.table)
    }

    @Test(arguments: [nil, 0, 99_999, -5, .nan, .infinity] as [Double?])
    func `without load there is no grade, however flat latency stayed`(rate: Double?) {
        let result = BufferbloatAnalysis.result(both(down: 10, up: 10, upRate: rate))
        #expect(result.grade == nil)
        #expect(result.roundTripsPerMinute == nil)
        #expect(result[.download]?.grade == .aPlus)
        #expect(result[.upload]?.grade == nil)
        #expect(result.inconclusive?.contains("the upload load reached only") == true)
    }

    @Test func `a load far below what the link carries does not count`() {
        let weak = BufferbloatAnalysis.result(both(down: 10, up: 10, downRate: 20e6), linkDown: 90e6, linkUp: 10e6)
        #expect(weak.inconclusive?.contains("20.0 Mbit/s of the 90.0 Mbit/s") == true)
        let enough = BufferbloatAnalysis.result(both(down: 10, up: 10, downRate: 23e6), linkDown: 90e6, linkUp: 10e6)
        #expect(enough.grade == .aPlus)
    }

    @Test func `many lost probes make a phase inconclusive, since the lost ones are the slow ones`() {
        var phases = both(down: 12, up: 12)
        phases[2].latency = latency(mean: 12, count: 89, lost: 11)
        let result = BufferbloatAnalysis.result(phases)
        #expect(result.grade == nil)
        #expect(result.inconclusive == "11.0 % of the probes were lost while uploading, and those are the slow ones")
        phases[2].latency = latency(mean: 12, count: 90, lost: 10)
        #expect(BufferbloatAnalysis.result(phases).grade == .aPlus)
    }

    @Test func `too few samples are reported as too few`() {
        var phases = both(down: 12, up: 12)
        phases[0].latency = latency(mean: 10, count: 19)
        let result = BufferbloatAnalysis.result(phases)
        #expect(result.inconclusive == "only 19 of 19 probes returned without load; 20 are needed")
        #expect(result.phases.allSatisfy { $0.grade == nil })
    }

    @Test func `latency that falls under load shows that idle was not idle`() {
        let result = BufferbloatAnalysis.result(both(idle: 50, down: 44, up: 50))
        #expect(result.grade == nil)
        #expect(result.inconclusive?.contains("6.00 ms lower while downloading") == true)
        #expect(BufferbloatAnalysis.result(both(idle: 50, down: 46, up: 50)).grade == .aPlus)
    }

    @Test func `without an idle phase or without any load there is nothing to compare`() {
        #expect(
            BufferbloatAnalysis.result(Array(both(down: 10, up: 10).dropFirst())).inconclusive
                == "latency without load was not measured"
        )
        #expect(
            BufferbloatAnalysis.result([Measurement(phase: .idle, latency: latency(mean: 10))]).inconclusive
                == "no load was applied"
        )
        #expect(BufferbloatAnalysis.result([]).inconclusive == "no load was applied")
    }

    @Test func `both directions at once need both loads`() {
        var phases = both(down: 10, up: 10)
        phases.append(
            Measurement(phase: .both, latency: latency(mean: 500), downBitsPerSecond: 40e6, upBitsPerSecond: 5e6)
        )
        #expect(BufferbloatAnalysis.result(phases).grade == .f)
        phases[3].upBitsPerSecond = 10
        #expect(BufferbloatAnalysis.result(phases).grade == nil)
    }

    @Test func `a probe inside TLS is labeled as one`() {
        var phases = both(down: 10, up: 10)
        #expect(!BufferbloatAnalysis.result(phases).probeInsideTLS)
        phases[1].latency = latency(mean: 10, transport: .tunneled)
        #expect(BufferbloatAnalysis.result(phases).probeInsideTLS)
    }
}
