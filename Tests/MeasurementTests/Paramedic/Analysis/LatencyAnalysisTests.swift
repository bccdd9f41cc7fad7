internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct LatencyAnalysisTests {
    /// Probes 20 ms apart with these round trips; nil is a lost one.
    private func samples(_ roundTrips: [Double?]) -> [ProbeSample] {
        roundTrips.enumerated().map { index, rtt in
            let sent = 1_000_000_000 + UInt64(index) * 20_000_000
            return ProbeSample(sequence: UInt64(index), sentNs: sent, receivedNs: rtt.map { sent + UInt64($0 * 1e6) })
        }
    }

    private func result(_ samples: [ProbeSample], _ counters: ProbeCounters? = nil) -> LatencyResult {
        LatencyAnalysis.result(samples: samples, counters: counters, transport: .udp, intervalMs: 20, payloadBytes: 64)
    }

    @Test func `percentiles, mean and deviation agree with numpy`() throws {
        // numpy.percentile(…, method="inverted_cdf"), mean and std of the same thousand numbers.
        var state: UInt64 = 12345
        let values = (0..<1000).map { _ -> Double in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 1 + Double(state >> 40) / 16_777_216 * 50
        }
        let distribution = try #require(Distribution(of: values))
        func close(_ value: Double, _ golden: Double) -> Bool { (value - golden).magnitude < 1e-9 }
        #expect(distribution.count == 1000)
        #expect(close(distribution.min, 1.046136975288))
        #expect(close(distribution.mean, 26.542967712879))
        #expect(close(distribution.p50, 26.333097577095))
        #expect(close(distribution.p95, 48.918176651001))
        #expect(close(distribution.p99, 50.499756097794))
        #expect(close(distribution.max, 50.982902407646))
        #expect(close(distribution.stddev, 14.569113179970))
    }

    @Test func `a percentile is the nearest rank of few values`() throws {
        let one = try #require(Distribution(of: [7]))
        #expect([one.p50, one.p95, one.p99, one.stddev] == [7, 7, 7, 0])
        let two = try #require(Distribution(of: [2, 1]))
        #expect([two.p50, two.p95] == [1, 2])
        // The ranks 11.4 and 95.95 are rounded up, as numpy does.
        #expect(Distribution(of: (1...12).map(Double.init))?.p95 == 12)
        let many = try #require(Distribution(of: (1...101).map(Double.init)))
        #expect([many.p50, many.p95, many.p99] == [51, 96, 100])
        #expect(Distribution(of: [.nan, .infinity]) == nil)
        #expect(Distribution(of: []) == nil)
    }

    @Test func `jitter and delay variation are those of the RFCs`() throws {
        let result = result(samples([10, 12, 11, 15, 10.5, 30, 12]))
        // J += (|D| - J) / 16 over 2, 1, 4, 4.5, 19.5, 18.
        #expect(abs((result.jitterMs ?? 0) - 2.859568476676941) < 1e-9)
        let variation = try #require(result.ipdv)
        #expect(abs(variation.mean - 8.166666666666666) < 1e-9)
        #expect(variation.p50 == 4)
        #expect(variation.max == 19.5)
    }

    @Test func `a pair with a lost probe between has no delay variation`() {
        let result = result(samples([10, nil, 30, 31]))
        #expect(result.ipdv?.count == 1)
        #expect(result.ipdv?.max == 1)
        #expect(result.lost == 1)
        #expect(result.lossPercent == 25)
    }

    @Test func `the reflector's count splits loss by direction`() {
        let result = result(
            samples([10, nil, nil, nil, 10]),
            ProbeCounters(received: 4, reordered: 1, highestSequence: 4)
        )
        #expect(result.lostUp == 1)
        #expect(result.lostDown == 2)
        #expect(result.reorderedUp == 1)
    }

    @Test func `what the reflector's rate limit dropped is no loss of the link's`() {
        // Ten sent, nine arrived, four of them were dropped there, one reply was lost on the way back.
        let trips: [Double?] = [10, nil, 10, nil, nil, 10, nil, nil, 10, nil]
        func result(_ limited: UInt64, received: UInt64 = 9) -> LatencyResult {
            let counters = ProbeCounters(received: received, reordered: 0, highestSequence: 9, rateLimited: limited)
            return self.result(samples(trips), counters)
        }
        let some = result(4)
        #expect([some.lost, some.lostUp, some.lostDown, some.rateLimited] == [2, 1, 1, 4])
        // Two of the six that could have been answered.
        #expect(some.lossPercent == 200.0 / 6)
        #expect(!some.isMostlyRateLimited)
        // Six of ten, 50 a second.
        #expect(some.allowedPerSecond == 30)
        // A claim of more than went unanswered there is cut to that; one beside counts that cannot be is not believed.
        #expect(result(.max).rateLimited == 5)
        #expect(result(.max).lost == 1)
        #expect(result(4, received: 11).rateLimited == nil)
        #expect(result(4, received: 11).lost == 6)
    }

    @Test func `with more than half dropped by the reflector there is no word on the link`() {
        let trips: [Double?] = Array(repeating: 10, count: 40) + Array(repeating: nil, count: 41)
        func dropped(_ count: UInt64) -> LatencyResult {
            result(samples(trips), ProbeCounters(received: 81, reordered: 0, highestSequence: 80, rateLimited: count))
        }
        #expect(dropped(41).isMostlyRateLimited && !dropped(40).isMostlyRateLimited)
        #expect(dropped(41).lossPercent == 0)
        let bloat = BufferbloatAnalysis.result([
            .init(phase: .idle, latency: dropped(41)), .init(phase: .download, latency: dropped(41)),
        ])
        #expect(bloat.grade == nil)
        #expect(bloat.inconclusive == "41 of 81 probes were dropped without load by the reflector's own limit")
        var examination = Specimen.calm
        examination.latency = dropped(41)
        let verdict = Verdict(on: examination)
        #expect(verdict.limit == .inconclusive)
        #expect(verdict.reasons.first?.contains("dropped 41 of 81 probes") == true)
        // A machine that is the limit shows without probes.
        examination.client.nicBitsPerSecond = 90e6
        #expect(Verdict(on: examination).limit == .thisMachine)
    }

    @Test(arguments: [
        ProbeCounters(received: 6, reordered: 0, highestSequence: 4),
        ProbeCounters(received: 1, reordered: 0, highestSequence: 4),
        ProbeCounters(received: 3, reordered: 4, highestSequence: 4),
        ProbeCounters(received: .max, reordered: .max, highestSequence: .max),
    ])
    func `a reflector's counts that cannot be are not believed`(counters: ProbeCounters) {
        let result = result(samples([10, nil, nil, 10, 10]), counters)
        #expect(result.lostUp == nil)
        #expect(result.lostDown == nil)
        #expect(result.reorderedUp == nil)
        #expect(result.lost == 2)
    }

    @Test func `replies that are reordered on the way back are counted`() {
        let probes = (0..<3).map { index in
            ProbeSample(
                sequence: UInt64(index),
                sentNs: UInt64(index) * 1_000_000,
                receivedNs: [UInt64](arrayLiteral: 9_000_000, 11_000_000, 10_000_000)[index],
                serverReceivedNs: 50_000_000 + UInt64(index) * 1_000_000,
                serverSentNs: 50_100_000 + UInt64(index) * 1_000_000
            )
        }
        let result = result(probes)
        #expect(result.reorderedDown == 1)
        #expect(result.reflectorTurnaround?.count == 3)
        #expect(abs((result.reflectorTurnaround?.mean ?? 0) - 0.1) < 1e-9)
    }

    @Test func `one-way jitter does not depend on the offset of the clocks`() {
        func jitter(offset: UInt64) -> (Double?, Double?) {
            let ups: [UInt64] = [5, 7, 5, 9]
            let probes = ups.enumerated().map { index, up in
                let sent = UInt64(index) * 20_000_000
                return ProbeSample(
                    sequence: UInt64(index),
                    sentNs: sent,
                    receivedNs: sent + (up + 5) * 1_000_000,
                    serverReceivedNs: (sent + up * 1_000_000) &+ offset,
                    serverSentNs: (sent + up * 1_000_000) &+ offset
                )
            }
            let result = result(probes)
            return (result.jitterUpMs, result.jitterDownMs)
        }
        let near = jitter(offset: 0)
        #expect(near.0.map { $0 > 0.3 } == true)
        #expect(near.1 == 0)
        #expect(jitter(offset: 1 << 62) == near)
        #expect(jitter(offset: .max - 500) == near)
    }

    @Test func `times that a hostile reflector invents neither trap nor distort the round trip`() {
        var probes = samples([10, 11, 12])
        probes[0].serverReceivedNs = .max
        probes[0].serverSentNs = 0
        probes[1].serverReceivedNs = 0
        probes[1].serverSentNs = .max
        probes[2].serverReceivedNs = 1 << 63
        probes[2].serverSentNs = 1 << 63
        let result = result(probes)
        #expect(result.rtt?.mean == 11)
        #expect(result.reflectorTurnaround?.count == 1)
        #expect((result.jitterUpMs ?? 0).isFinite)
    }

    @Test func `a reply before its probe counts as received but has no round trip`() {
        let result = result([ProbeSample(sequence: 0, sentNs: 100, receivedNs: 99, duplicates: .max)])
        #expect(result.received == 1)
        #expect(result.rtt == nil)
        #expect(result.histogram.isEmpty)
    }

    @Test func `nothing sent is an empty result`() {
        let result = result([])
        #expect(result.sent == 0)
        #expect(result.lossPercent == 0)
        #expect(result.series.isEmpty)
        #expect(result.jitterMs == nil)
    }

    @Test func `duplicates are summed and cannot overflow`() {
        var probes = samples([10, 11])
        probes[0].duplicates = .max
        probes[1].duplicates = .max
        #expect(result(probes).duplicates == .max)
        probes[0].duplicates = 2
        probes[1].duplicates = 1
        #expect(result(probes).duplicates == 3)
    }

    @Test func `a long series keeps its spike and its loss within six hundred points`() {
        var trips = [Double?](repeating: 10, count: 60_000)
        trips[31_234] = 250
        trips[40_000] = nil
        let result = result(samples(trips))
        #expect(result.series.count <= LatencyAnalysis.mostPoints)
        #expect(result.series.contains { $0.rttMs == 250 })
        #expect(result.series.filter { $0.rttMs == nil }.count == 1)
        #expect(zip(result.series, result.series.dropFirst()).allSatisfy { $0.timeSec <= $1.timeSec })
    }

    @Test func `histogram edges are round, cover everything and leave the tail to one bin`() {
        let trips = (0..<1000).map { 10 + Double($0 % 40) * 0.1 } + [500, 900]
        let result = result(samples(trips))
        let bins = result.histogram
        #expect(bins.reduce(0) { $0 + $1.count } == 1002)
        #expect(bins.first?.fromMs == 10)
        #expect(bins.last?.toMs == 900)
        #expect(bins.last?.count == 2)
        #expect(bins.count <= HistogramBin.mostBins)
        #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.toMs == $1.fromMs })
        #expect(bins[0].toMs == 10.5)
    }

    @Test(arguments: [[1.0], [3, 3, 3], [0, 0], [1e-12, 2e-12], [1e12, 1e12 + 1], [0, 1e15]] as [[Double]])
    func `a histogram of odd values holds each of them once`(values: [Double]) {
        let bins = HistogramBin.bins(sorted: values, p99: values[values.count - 1])
        #expect(bins.reduce(0) { $0 + $1.count } == values.count)
        #expect(bins.count <= HistogramBin.mostBins)
    }
}
