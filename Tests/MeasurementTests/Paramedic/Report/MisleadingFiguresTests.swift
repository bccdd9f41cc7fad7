internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Figures that would mislead")
struct MisleadingFiguresTests {
    private func examination(day: Int, download: Double?, seconds: Double = 10, asked: Int? = 10) -> Examination {
        var examination = Specimen.calm
        examination.startedAt = Timestamp(microseconds: Int64(day) * 86_400_000_000)
        if let download {
            examination.download = Specimen.throughput(.down, rate: download)
            examination.download?.directions[0].durationSec = seconds
            examination.download?.askedSec = asked
        } else {
            examination.download = nil
        }
        return examination
    }

    @Test func `a download below the last is not above the usual, and the usual of two is their middle`() {
        let history = [(1, 10e6), (2, 90e6), (3, 40e6)].map { examination(day: $0.0, download: $0.1) }
        #expect(ReflectorTrend.all(of: history).first?.usualDownload == 50e6)
        #expect(HTMLReport.page(history: history).contains("20.0&#160;% below the usual"))
    }

    @Test func `a test that was cut in its first half is a gap in the trend, and one that ran is none`() {
        let history = [
            examination(day: 1, download: 10e6, seconds: 0.4), examination(day: 2, download: 20e6, seconds: 4.9),
            examination(day: 3, download: 30e6, seconds: 6), examination(day: 4, download: 40e6, seconds: 1, asked: 1),
            examination(day: 5, download: nil),
        ]
        #expect(ReflectorTrend.all(of: history).first?.downloads == [nil, nil, 30e6, 40e6, nil])
    }

    @Test func `segments that a tunneled iperf3 sent again over loopback are none of the link's, in no form`() throws {
        var result = Specimen.throughput(.up, rate: 10e6)
        result.directions[0].retransmits = 205
        result.directions[0].intervals[0].retransmits = 205
        #expect(TextReport(style: TextStyle(columns: 120)).text(result).contains("205"))
        (result.engine, result.mode) = (.iperf3, .tunneled)
        #expect(!TextReport(style: TextStyle(columns: 120)).text(result).contains("205"))
        #expect(!(try JSONText.pretty(result.bounded())).contains("205"))
        var examination = Specimen.calm
        examination.upload = result
        #expect(!HTMLReport.page(examination).contains(">205<"))
    }

    @Test(
        arguments: ["eth0", "lo"]
    )
    func `a load that moved far more than the throughput test leaves no verdict on its rate, on loopback neither`(
        interface: String
    ) {
        var examination = Specimen.calm
        examination.client.pathBefore?.interface = interface
        examination.download = Specimen.throughput(.down, rate: 2.75e9)
        examination.upload = nil
        func verdict(_ load: Double) -> Verdict {
            examination.bufferbloat = BufferbloatResult(
                transport: .udp,
                phases: [
                    BufferbloatPhase(
                        phase: .download,
                        latency: LatencyResult(transport: .udp, intervalMs: 10, payloadBytes: 64, sent: 0, received: 0),
                        downBitsPerSecond: load
                    )
                ]
            )
            return Verdict(on: examination)
        }
        #expect(verdict(10.8e9).limit == .inconclusive)
        #expect(verdict(10.8e9).reasons.contains { $0.contains("2.75 Gbit/s down") && $0.contains("10.8 Gbit/s") })
        #expect(!verdict(2.9e9).reasons.contains { $0.contains("not steady") })
    }

    @Test func `a link too slow to be measured is inconclusive, in the result and in the verdict`() {
        func notes(_ rate: Double) -> [String] {
            var result = Specimen.throughput(.up, rate: rate)
            result.noteSlowness()
            return result.notes
        }
        #expect(
            notes(47_000).contains { $0.hasPrefix("inconclusive: up was below 230 kbit/s") },
            "\(notes(47_000))"
        )
        #expect(notes(244_000).isEmpty)
        var examination = Specimen.calm
        examination.upload = Specimen.throughput(.up, rate: 47_000)
        #expect(Verdict(on: examination).limit == .inconclusive)
        examination.upload = Specimen.throughput(.up, rate: 244_000)
        #expect(Verdict(on: examination).limit == .link)
    }

    @Test func `times of the history are labeled UTC`() {
        let text = TextReport(style: TextStyle(columns: 120)).text(history: [examination(day: 1, download: 10e6)])
        #expect(text.contains("when (UTC)"))
    }

    @Test func `probes are paced to a few percent of the link, and reported as too many where they were more`() throws {
        func interval(_ rate: Double?) -> Double { LatencyPlan.intervalMs(sparing: rate, transport: .udp) }
        #expect(interval(nil) == LatencyPlan.usualIntervalMs)
        #expect(interval(100e6) == LatencyPlan.usualIntervalMs)
        #expect((140...143).contains(interval(200_000)))
        #expect(interval(64_000) == 200)
        var latency = Specimen.latency
        (latency.transport, latency.intervalMs, latency.payloadBytes) = (.udp, 10, 64)
        #expect((84_000...85_500).contains(latency.probeBitsPerSecond))
        #expect(Examiner.probeLoad(latency, [64_000, 10e6])?.contains("--interval 200") == true)
        #expect(Examiner.probeLoad(latency, [10e6]) == nil)
        #expect(Examiner.probeLoad(nil, [64_000]) == nil)
        let text = TextReport(style: TextStyle(columns: 120)).text(latency)
        #expect(text.contains("84.8 kbit/s each way"), "\(text)")
    }

    @Test func `an iperf3 that may not log in says which versions fit`() {
        #expect(IperfClient.remedy("error - test authorization failed").contains("older than 3.17"))
        #expect(IperfClient.remedy("error - unable to connect").isEmpty)
    }
}
