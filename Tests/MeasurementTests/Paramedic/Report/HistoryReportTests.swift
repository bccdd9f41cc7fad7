internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct HistoryReportTests {
    /// An examination `hours` after the first.
    private func examination(
        _ hours: Int,
        of name: String = "vps",
        id: String? = nil,
        change: (inout Examination) -> Void = { _ in }
    ) -> Examination {
        var examination = Specimen.whole
        examination.startedAt = Timestamp(unixMilliseconds: 1_795_228_369_120 + Int64(hours) * 3_600_000)
        examination.reflector.name = name
        examination.reflector.id = id ?? "PP-\(name)"
        change(&examination)
        return examination
    }

    private func slow(_ examination: inout Examination) {
        examination.download = Specimen.throughput(.down, rate: 9e6)
    }

    @Test func `each reflector has a trend of its own, and is compared with itself`() {
        let history = [
            examination(0, of: "near"), examination(1, of: "far", change: slow), examination(2, of: "near"),
            examination(3, of: "far", change: slow), examination(4, of: "once"),
            examination(5, of: "far", change: slow),
        ]
        let page = HTMLReport.page(history: history)
        #expect(page.contains("The last download from far ran at 9.00&#160;Mbit/s, as usual."))
        for heading in ["Throughput, far", "Median round trips, far", "Throughput, near", "Median round trips, near"] {
            #expect(page.contains("<h2>\(heading)</h2>"))
        }
        #expect(!page.contains("<h2>Throughput, once"))
        #expect(page.ranges(of: "<svg class=\"chart").count == 4)
        let ids = page.matches(of: #/ id="([a-z0-9-]+)"/#).map { String($0.1) }
        #expect(Set(ids).count == ids.count && ids.contains("trend-rates-3-title"))

        let text = TextReport().text(history: history)
        #expect(text.contains("Trend of far\n  download    ███\n"))
        #expect(text.contains("Trend of near\n  download    ██\n"))
        #expect(!text.contains("Trend of once"))
        #expect(!TextReport().text(history: [examination(0), examination(1)]).contains("Trend of"))
    }

    @Test func `two reflectors that had the same name one after the other are kept apart by their IDs`() {
        let trends = ReflectorTrend.all(of: [
            examination(0, id: "PP-OLD1-OLD2-OLD3"), examination(1, id: "PP-NEW1-NEW2-NEW3"),
        ])
        #expect(trends.map(\.name) == ["vps (PP-NEW1-NEW2…)", "vps (PP-OLD1-OLD2…)"])
    }

    @Test func `a reflector that was renamed keeps its trend, under its last name`() {
        let trends = ReflectorTrend.all(of: [
            examination(0, of: "new", id: "PP-1"), examination(-1, of: "old", id: "PP-1"),
        ])
        #expect(trends.map(\.name) == ["new"])
        #expect(trends[0].oldestFirst.map(\.reflector.name) == ["old", "new"])
    }

    @Test func `what was not measured is a gap in text and plot, and a point between gaps is a dot`() {
        let history = (0..<5).map { index in
            examination(index) { if index % 2 == 0 { $0.download = nil } }
        }
        let text = TextReport().text(history: history)
        #expect(text.contains("\n  download     █ █\n  upload      █████\n"))
        #expect(text.contains("A gap was not measured."))
        #expect(!TextReport().text(history: [examination(0), examination(1)]).contains("A gap"))
        let page = HTMLReport.page(history: history)
        #expect(page.ranges(of: "<circle class=\"dot download\"").count == 2)
        #expect(page.ranges(of: "<circle class=\"dot upload\"").count == 5)
        #expect(page.contains("download between 90.0&#160;Mbit/s and 90.0&#160;Mbit/s"))
    }

    @Test func `a trend without measurements is a sentence`() {
        let history = [0, 1].map { hours in
            examination(hours) {
                $0.download = nil
                $0.upload = nil
            }
        }
        #expect(HTMLReport.page(history: history).contains("<p class=\"soft\">None was measured.</p>"))
        #expect(TextReport().text(history: history).contains("\n  download    –\n"))
    }

    @Test func `a lonely point of a long line gets a dot, its neighbors do not`() {
        let plot = SVGPlot(id: "x", title: "x", description: "x").lines(
            [SVGPlot.Line(style: "idle", points: [(0, 1), nil, (2, 1), nil, (4, 1), (5, 1)])],
            x: PlotScale([0, 5], fromZero: true),
            y: PlotScale([1], fromZero: true),
            xMarks: [],
            yMarks: []
        )
        #expect(plot.html.ranges(of: "<circle").count == 2)
        #expect(plot.html.contains("cx=\"0%\"") && plot.html.contains("cx=\"40%\""))
    }

    @Test func `a phase without a reply has no bar`() {
        let plot = SVGPlot(id: "x", title: "x", description: "x").bars([
            SVGPlot.Bar(name: "idle", style: "idle", value: nil, label: "–"),
            SVGPlot.Bar(name: "upload", style: "upload", value: 2, label: "2 ms"),
        ])
        #expect(plot.html.ranges(of: "<rect").count == 1)
    }

    @Test(arguments: [
        (seconds: 30 * 86_400, label: "2026-12-21"), (18_000, "2026-11-21 07:32"), (11, "2026-11-21 02:33:00"),
    ])
    func `the ends of a trend are written as exactly as the time between them asks for`(seconds: Int, label: String) {
        let last = examination(0) {
            $0.startedAt = Timestamp(microseconds: $0.startedAt.microseconds + Int64(seconds) * 1_000_000)
        }
        let page = HTMLReport.page(history: [examination(0), last])
        #expect(page.contains("text-anchor=\"end\">\(label.replacing(" ", with: "&#160;"))</text>"))
    }

    @Test func `round trips are medians with and without load`() throws {
        let trend = try #require(ReflectorTrend.all(of: [examination(0)]).first)
        #expect(trend.roundTrips == [12])
        let loaded = Specimen.whole.bufferbloat?.phases.compactMap { $0.latency.rtt?.p50 }.max()
        #expect(trend.roundTripsUnderLoad == [loaded])
        var partial = examination(0)
        partial.bufferbloat?.notMeasured = [UnmeasuredPart(part: "both", reason: "denied")]
        #expect(ReflectorTrend.all(of: [partial]).first?.roundTripsUnderLoad == [nil])
        var skewed = examination(0)
        skewed.bufferbloat?.phases[2].latency.rtt?.mean = 5_000
        #expect(ReflectorTrend.all(of: [skewed]).first?.roundTripsUnderLoad == [loaded])
    }
}
