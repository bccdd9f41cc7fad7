internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct HTMLReportTests {
    /// Walks the tags of a page: every element that opens closes in order. Returns what is wrong, nil when nothing is.
    private func fault(in page: String) -> String? {
        let void: Set<Substring> = ["meta", "br", "!DOCTYPE"]
        var open: [Substring] = []
        var rest = page[...]
        while let start = rest.firstIndex(of: "<") {
            guard let end = rest[start...].firstIndex(of: ">") else { return "a tag does not end" }
            let tag = rest[rest.index(after: start)..<end]
            if tag.contains("<") { return "a tag within a tag: \(tag)" }
            if tag.count(where: { $0 == "\"" }) % 2 == 1 { return "an odd number of quotes: \(tag)" }
            let name = tag.drop { $0 == "/" }.prefix { $0 != " " && $0 != "/" }
            if tag.hasPrefix("/") {
                if open.popLast() != name { return "</\(name)> closes another element" }
            } else if !tag.hasSuffix("/"), !void.contains(name) {
                open.append(name)
            }
            rest = rest[rest.index(after: end)...]
        }
        return open.isEmpty ? nil : "not closed: \(open)"
    }

    private func expectSound(_ page: String) {
        #expect(fault(in: page) == nil)
        #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        for forbidden in [
            "NaN", "nan%", "inf%", "http://", "https://", "//cdn", "url(", "@import", "<script", "javascript:", "src=",
        ] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        #expect(page.utf8.count < 1_000_000)
    }

    @Test func `a whole examination is one sound file with a verdict, plots and tables`() {
        let page = HTMLReport.page(Specimen.whole)
        expectSound(page)
        #expect(
            page.contains("<h1>The link is the limit: it carries 90.0&#160;Mbit/s down and 18.0&#160;Mbit/s up.</h1>")
        )
        let plots = page.components(of: "<svg class=\"chart")
        #expect(plots == 5)
        #expect(page.components(of: "role=\"img\" aria-labelledby=") == plots)
        #expect(page.components(of: "<desc id=") == plots)
        #expect(page.components(of: "<table") >= plots)
        #expect(page.contains("prefers-color-scheme:dark"))
        #expect(page.contains("@media print"))
        #expect(page.contains("default-src 'none'"))
    }

    @Test func `ids are there once and every reference has its target`() {
        let page = HTMLReport.page(Specimen.whole)
        let ids = page.matches(of: /\sid="([a-z-]+)"/).map { String($0.1) }
        #expect(Set(ids).count == ids.count)
        for match in page.matches(of: /aria-labelledby="([a-z-]+) ([a-z-]+)"/) {
            #expect(ids.contains(String(match.1)) && ids.contains(String(match.2)))
        }
    }

    @Test func `names from elsewhere are text and nothing else`() {
        let hostile = "\"><script>alert('x')</script><img src=x onerror=y>&amp;\u{202E}\u{0}"
        var examination = Specimen.whole
        examination.client.name = hostile
        examination.client.id = hostile
        examination.client.version = hostile
        examination.client.address = hostile
        examination.client.pathBefore?.interface = hostile
        examination.client.pathBefore?.buildHash = hostile
        examination.reflector.name = hostile
        examination.id = hostile
        examination.notes = [hostile]
        examination.verdict = Verdict(limit: .link, sentence: hostile, reasons: [hostile])
        examination.download?.notes = [hostile]
        examination.bufferbloat?.inconclusive = hostile
        examination.bufferbloat?.grade = nil
        for page in [HTMLReport.page(examination), HTMLReport.page(history: [examination, examination])] {
            expectSound(page.replacing("img src=x", with: "img"))
            #expect(!page.contains("<img"))
            #expect(page.contains("&quot;&gt;&lt;script&gt;"))
            #expect(!page.contains("\u{202E}") && !page.contains("\u{0}"))
        }
    }

    @Test func `figures that cannot be are drawn without a trap`() {
        let odd: [Double] = [
            .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -1e300, -1, 0, .leastNonzeroMagnitude,
        ]
        for value in odd {
            var examination = Specimen.whole
            examination.latency?.rtt = Distribution(
                count: .max,
                min: value,
                mean: value,
                p50: value,
                p95: value,
                p99: value,
                max: value,
                stddev: value
            )
            examination.latency?.lossPercent = value
            examination.latency?.intervalMs = value
            examination.latency?.series = [
                LatencyPoint(timeSec: value, rttMs: value), LatencyPoint(timeSec: 1, rttMs: nil),
            ]
            examination.latency?.histogram = [
                HistogramBin(fromMs: value, toMs: -value, count: .max),
                HistogramBin(fromMs: 0, toMs: value, count: .min),
            ]
            examination.latency?.lost = .min
            if let latency = examination.latency {
                examination.bufferbloat?.phases = BufferbloatResult.Phase.allCases.map {
                    BufferbloatPhase(
                        phase: $0,
                        latency: latency,
                        downBitsPerSecond: value,
                        upBitsPerSecond: value,
                        increaseMs: value,
                        p95IncreaseMs: value,
                        roundTripsPerMinute: value
                    )
                }
            }
            examination.bufferbloat?.gradeTable = [GradeBand(grade: .a, belowMs: value)]
            examination.download?.directions[0].bitsPerSecondReceived = value
            examination.download?.directions[0].intervals = [
                ThroughputInterval(startSec: value, endSec: -value, bytes: .min, bitsPerSecond: value),
                ThroughputInterval(startSec: 0, endSec: 1, bytes: .max, bitsPerSecond: value, retransmits: .min),
            ]
            examination.client.nicBitsPerSecond = value
            examination.client.cores = .min
            examination.client.pathBefore?.cpuLoad = value
            examination.client.pathBefore?.loadAverage = [value]
            examination.client.pathBefore?.clockErrorUs = .max
            examination.client.pathBefore?.memoryTotalMB = .min
            examination.client.pathBefore?.receivedBytesPerSec = value
            examination.client.pathBefore?.mtu = .min
            examination.verdict = Verdict(on: examination)
            expectSound(HTMLReport.page(examination))
            expectSound(HTMLReport.page(history: [examination, Specimen.whole]))
            for text in [TextReport().text(examination), CSVReport.text([examination])] {
                #expect(!text.contains("nan") && !text.contains("inf "))
            }
        }
    }

    @Test func `an examination of which nothing succeeded is still a page`() {
        var examination = Specimen.calm
        examination.download = nil
        examination.upload = nil
        examination.client.pathBefore = nil
        examination.client.pathAfter = nil
        examination.verdict = Verdict(on: examination)
        let page = HTMLReport.page(examination)
        expectSound(page)
        #expect(page.contains("The link could not be judged."))
        #expect(!page.contains("<svg"))
    }

    @Test func `an inconclusive test shows no grade`() {
        var examination = Specimen.whole
        examination.bufferbloat?.grade = nil
        examination.bufferbloat?.inconclusive = "no load was applied"
        let page = HTMLReport.page(examination)
        #expect(page.contains("Inconclusive: no load was applied."))
        #expect(!page.contains("aria-current"))
        #expect(HTMLReport.page(Specimen.whole).contains("<li class=\"is\" aria-current=\"true\"><b>C</b>"))
    }

    @Test func `history compares the last download with the usual one`() {
        let days = (0..<5).map { day in
            var examination = Specimen.whole
            examination.startedAt = Timestamp(unixMilliseconds: 1_795_228_369_120 + Int64(day) * 86_400_000)
            if day == 4 { examination.download = Specimen.throughput(.down, rate: 45e6) }
            return examination
        }
        let page = HTMLReport.page(history: days.reversed())
        expectSound(page)
        #expect(page.contains("The last download ran at 45.0&#160;Mbit/s, 50.0&#160;% below the usual."))
        #expect(page.components(of: "<svg class=\"chart") == 2)
        expectSound(HTMLReport.page(history: []))
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(of text: String) -> Int {
        ranges(of: text).count
    }
}
