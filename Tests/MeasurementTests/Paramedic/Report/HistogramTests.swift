internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct HistogramTests {
    /// Latency whose round trips lie between these, evenly, and one far above.
    private func latency(from low: Double, to high: Double, outlier: Double? = nil) -> LatencyResult {
        var values = (0..<400).map { low + (high - low) * Double($0) / 399 }
        if let outlier { values.append(outlier) }
        return LatencyAnalysis.result(
            samples: values.enumerated().map { index, value in
                let sent = UInt64(index) * 1_000_000_000
                return ProbeSample(sequence: UInt64(index), sentNs: sent, receivedNs: sent + UInt64(value * 1e6))
            },
            counters: nil,
            transport: .udp,
            intervalMs: 1000,
            payloadBytes: 64
        )
    }

    @Test(
        arguments: [
            (0.1, 0.12), (10.0, 10.05), (100.0, 101.0), (5_000.0, 5_010.0), (20_000.0, 20_003.0), (0.001, 0.0012),
        ]
    )
    func `the edges of bins differ in text and plot, however narrow they are`(low: Double, high: Double) throws {
        let latency = latency(from: low, to: high, outlier: high * 3)
        let text = TextReport().text(latency)
        let edges = text.matches(of: #/(?m)^ +([0-9.]+) ms +(?:– |and)/#).map { String($0.1) }
        #expect(edges.count == latency.histogram.count && edges.count > 3)
        #expect(Set(edges).count == edges.count, "\(text)")
        var examination = Specimen.calm
        examination.latency = latency
        let page = HTMLReport.page(examination)
        let plot = try #require(page.firstMatch(of: #/aria-labelledby="histogram-title.*?</svg>/#.dotMatchesNewlines()))
        let labels = plot.0.matches(of: #/text-anchor="[a-z]+">([^<]*)</#).map { String($0.1) }
        #expect(labels.count == 3 && Set(labels).count == 3, "\(labels)")
    }

    @Test func `the last bin, which is open, is labeled so and stands apart`() {
        let open = latency(from: 10, to: 18, outlier: 90)
        #expect(HistogramBin.hasTail(open.histogram))
        #expect(TextReport().text(open).contains(#/ ms  and above +[0-9]+/#))
        #expect(SVGPlot.slots(open.histogram) == open.histogram.count + 1)
        var examination = Specimen.calm
        examination.latency = open
        let page = HTMLReport.page(examination)
        #expect(page.contains("<rect class=\"bar idle tail\"") && page.contains(">above "))

        let closed = Specimen.latency
        #expect(!HistogramBin.hasTail(closed.histogram))
        #expect(!TextReport().text(closed).contains("and above"))
        examination.latency = closed
        #expect(!HTMLReport.page(examination).contains("bar idle tail"))
    }

    @Test func `a single bin and none have no tail`() {
        #expect(!HistogramBin.hasTail([]))
        #expect(!HistogramBin.hasTail([HistogramBin(fromMs: 1, toMs: 1, count: 3)]))
    }
}
