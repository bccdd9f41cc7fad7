internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct TextReportTests {
    @Test func `throughput reads like this`() {
        #expect(
            TextReport().text(Specimen.throughput(.down, rate: 90e6)) == """
                Throughput
                                 result   moved    time  resent  lost  CPU here  CPU there  per second
                  download  90.0 Mbit/s  113 MB  10.0 s       0     –    10.0 %     12.0 %  ██
                  download: native, TCP, 4 streams, direct

                """
        )
    }

    @Test func `latency reads like this`() {
        #expect(
            TextReport().text(Specimen.latency) == """
                Latency
                                   min      mean       p50       p95       p99       max  deviation
                  round trip   10.0 ms   12.0 ms   12.0 ms   14.0 ms   14.0 ms   14.0 ms    1.43 ms
                  IPDV         1.00 ms   1.57 ms   1.00 ms   4.00 ms   4.00 ms   4.00 ms    1.17 ms
                  turnaround  0.020 ms  0.020 ms  0.020 ms  0.020 ms  0.020 ms  0.020 ms   0.000 ms
                  Jitter (RFC 3550): 1.39 ms of the round trip, 0 ms up, 1.39 ms down
                  40 probes every 50 ms, UDP: 1 lost (2.5 %), 0 up and 1 down, reordered 0 up and 0 down,
                  0 duplicates

                  10.0 ms  – 10.5 ms  8  ██████████████████████████████████████████████████
                  10.5 ms  – 11.0 ms  0
                  11.0 ms  – 11.5 ms  8  ██████████████████████████████████████████████████
                  11.5 ms  – 12.0 ms  0
                  12.0 ms  – 12.5 ms  7  ███████████████████████████████████████████▊
                  12.5 ms  – 13.0 ms  0
                  13.0 ms  – 13.5 ms  8  ██████████████████████████████████████████████████
                  13.5 ms  – 14.0 ms  0
                  14.0 ms  – 14.5 ms  8  ██████████████████████████████████████████████████

                """
        )
    }

    @Test func `a terminal of eighty columns gets whole tables without the columns that matter least`() {
        let report = TextReport(style: TextStyle(columns: 80))
        let latency = report.text(Specimen.latency).split(separator: "\n")
        #expect(latency[1].hasSuffix("p99       max"))
        #expect(latency[2].hasSuffix("14.0 ms   14.0 ms"))
        let bloat = report.text(Specimen.bufferbloat).split(separator: "\n")
        #expect(bloat[2].split(separator: " ") == ["mean", "p95", "increase", "grade", "lost", "down", "up"])
        #expect(bloat[4].hasSuffix("88.0 Mbit/s            –"))
        let throughput = report.text(Specimen.throughput(.down, rate: 90e6)).split(separator: "\n")
        #expect(throughput[1].hasSuffix("resent  CPU here  CPU there  per second"))
        let history = report.text(history: [Specimen.whole, Specimen.whole]).split(separator: "\n")
        #expect(history[2].hasSuffix("The link") && history[2].contains("18.0 Mbit/s"))
        let whole = report.text(Specimen.whole)
        #expect(!whole.contains("…"))
        for line in whole.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func `what was not measured stands before what was, in text and HTML`() throws {
        var examination = Specimen.whole
        examination.notes = ["upload was not measured: the reflector denied the test"]
        for (page, heading) in [
            (TextReport().text(examination), "\nThroughput\n"), (HTMLReport.page(examination), "<h2>Throughput"),
        ] {
            let note = try #require(page.firstRange(of: "upload was not measured"))
            let verdict = try #require(page.firstRange(of: "The link is the limit"))
            let figures = try #require(page.firstRange(of: heading))
            #expect(verdict.lowerBound < note.lowerBound && note.lowerBound < figures.lowerBound)
        }
    }

    @Test func `no line is wider than the page, in either alphabet`() {
        var examination = Specimen.whole
        examination.client.name = String(repeating: "very-long-name", count: 20)
        examination.reflector.address = String(repeating: "1234:", count: 40)
        examination.reflector.id = String(repeating: "PP-", count: 100)
        examination.notes = [String(repeating: "word ", count: 60), String(repeating: "x", count: 350)]
        for unicode in [true, false] {
            for (columns, width) in [(-1, 40), (40, 40), (79, 79), (80, 80), (100, 100), (Int.max, 100)] {
                let text = TextReport(style: TextStyle(unicode: unicode, columns: columns)).text(examination)
                for line in text.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
            }
        }
    }

    @Test func `plain style is ASCII and color is only there when asked for`() {
        let plain = TextReport(style: TextStyle(unicode: false)).text(Specimen.whole)
        #expect(plain.unicodeScalars.allSatisfy { $0.isASCII })
        #expect(!plain.contains("\u{1B}"))
        let color = TextReport(style: TextStyle(color: true)).text(Specimen.whole)
        #expect(color.contains("\u{1B}[1m"))
        #expect(color.replacing(/\u{1B}\[[0-9]+m/, with: "") == TextReport().text(Specimen.whole))
    }

    @Test func `a name from another machine cannot steer the terminal`() {
        var examination = Specimen.whole
        examination.reflector.name = "a\u{1B}]0;owned\u{7}\u{9B}31m\r\u{202E}b"
        examination.reflector.version = "\u{2066}x\n\n"
        let text = TextReport().text(examination)
        #expect(text.contains("a?]0;owned??31m??b"))
        let allowed = text.unicodeScalars.allSatisfy {
            $0 == "\n" || ($0.value >= 0x20 && !(0x7F...0x9F).contains($0.value))
        }
        #expect(allowed)
        #expect(!text.contains("\u{202E}") && !text.contains("\u{2066}"))
    }

    @Test func `the grade comes with its table and an inconclusive test without a grade`() {
        let graded = TextReport().text(Specimen.bufferbloat)
        #expect(graded.contains("Grade C, 750 round trips per minute under load"))
        #expect(
            graded.replacing("\n  ", with: " ").contains(
                "A+ below 5 ms, A below 30 ms, B below 60 ms, C below 200 ms, D below 400 ms, F above that."
            )
        )
        let result = BufferbloatResult(transport: .tunneled, phases: [], inconclusive: "no load was applied")
        let text = TextReport().text(result)
        #expect(text.contains("Inconclusive: no load was applied."))
        #expect(text.contains("inside TLS"))
        #expect(!text.contains("Grade A"))
    }

    @Test func `a sparkline averages what does not fit and survives odd values`() {
        let style = TextStyle()
        #expect(style.sparkline([0, 1, 2, 4], width: 10) == "▁▂▄█")
        #expect(style.sparkline([1, 3, 0, 0], width: 2) == "█▁")
        #expect(style.sparkline([.nan, .infinity, -1], width: 3) == "▁▁▁")
        #expect(style.sparkline([], width: 3) == "")
    }

    @Test func `history lists the newest first`() {
        var old = Specimen.calm
        old.startedAt = Timestamp(unixMilliseconds: 1_700_000_000_000)
        old.reflector.name = "older"
        let text = TextReport().text(history: [old, Specimen.calm])
        let lines = text.split(separator: "\n")
        #expect(lines[2].contains("vps") && lines[3].contains("older"))
        #expect(TextReport().text(history: []).contains("None is kept yet"))
    }
}
