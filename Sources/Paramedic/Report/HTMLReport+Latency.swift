internal import Operations

extension HTMLReport {
    static func section(_ latency: LatencyResult) -> Markup {
        let values: [(String, Distribution?)] = [
            ("round trip", latency.rtt), ("IPDV", latency.ipdv), ("turnaround", latency.reflectorTurnaround),
        ]
        let shown = values.compactMap { name, values in values.map { (name, $0) } }
        func row(_ name: String, _ value: (Distribution) -> Double) -> [String] {
            [name] + shown.map { Quantity.milliseconds(value($0.1)) }
        }
        let distribution =
            shown.isEmpty
            ? "<p class=\"soft\">No probe was answered.</p>"
            : HTMLPage.table(
                caption: "Distributions",
                head: [""] + shown.map(\.0),
                rows: [
                    row("smallest") { $0.min }, row("mean") { $0.mean }, row("median") { $0.p50 },
                    row("95 %") { $0.p95 },
                    row("99 %") { $0.p99 }, row("largest") { $0.max }, row("deviation") { $0.stddev },
                ]
            )
        return """
            <section>
            <h2>Latency without load</h2>
            <p class="soft">\(Quantity.count(latency.sent)) probes, one every \
            \(Quantity.trimmed(Quantity.milliseconds(latency.intervalMs))), \(latency.transport.words). Turnaround is the \
            reflector's own time and part of the round trip; IPDV is the difference of neighbors (RFC 3393).</p>
            \(rateLimit(latency))<div class="beside"><div>
            <figure><figcaption>Round trips over time \(lostKey(latency))</figcaption>\(timePlot(latency))</figure>
            <figure><figcaption>How often each round trip was seen</figcaption>\(histogramPlot(latency))</figure>
            </div>\(distribution)</div>
            \(HTMLPage.table(caption: "On the way", head: ["", "to the reflector", "back", "both ways"], rows: delivery(latency)))
            </section>
            """
    }

    private static func rateLimit(_ latency: LatencyResult) -> Markup {
        let sentences = [latency.rateLimitWords].compactMap { $0 } + latency.hostWords
        return "\(sentences.map { words -> Markup in "<p>\(words)</p>\n" })"
    }

    private static func lostKey(_ latency: LatencyResult) -> Markup {
        // It is not known which of the unanswered probes the reflector dropped on purpose, only how many.
        if (latency.rateLimited ?? 0) > 0 { return "<span class=\"key lost\">lost or dropped</span>" }
        return latency.lost > 0 ? "<span class=\"key lost\">lost</span>" : ""
    }

    private static func delivery(_ latency: LatencyResult) -> [[String]] {
        [
            [
                "lost", Quantity.count(latency.lostUp), Quantity.count(latency.lostDown),
                "\(Quantity.count(latency.lost)) (\(Quantity.percent(latency.lossPercent)))",
            ],
            [
                "reordered", Quantity.count(latency.reorderedUp), Quantity.count(latency.reorderedDown),
                Quantity.missing,
            ],
            [
                "jitter, RFC 3550", Quantity.milliseconds(latency.jitterUpMs),
                Quantity.milliseconds(latency.jitterDownMs),
                Quantity.milliseconds(latency.jitterMs),
            ],
            ["duplicates", Quantity.missing, Quantity.missing, Quantity.count(latency.duplicates)],
        ]
    }

    private static func timePlot(_ latency: LatencyResult) -> Markup {
        let series = latency.series.prefix(LatencyAnalysis.mostPoints)
        let x = PlotScale(series.map(\.timeSec), fromZero: true)
        let y = PlotScale(series.compactMap(\.rttMs), fromZero: true).roundedUp
        let points = series.map { point in point.rttMs.map { (x: point.timeSec, y: $0) } }
        return SVGPlot(
            id: "idle",
            title: "Round trips without load",
            description:
                "Between \(Quantity.milliseconds(latency.rtt?.min)) and \(Quantity.milliseconds(latency.rtt?.max)), "
                + "mean \(Quantity.milliseconds(latency.rtt?.mean)); \(Quantity.count(latency.lost)) lost.",
            height: 200
        ).lines(
            [SVGPlot.Line(style: "idle", points: points)],
            x: x,
            y: y,
            xMarks: x.ticks(wanted: 5).map { SVGPlot.Mark(at: $0, label: Quantity.trimmed(Quantity.seconds($0))) },
            yMarks: milliseconds(y),
            lost: series.filter { $0.rttMs == nil }.map(\.timeSec)
        )
    }

    static func milliseconds(_ scale: PlotScale) -> [SVGPlot.Mark] {
        scale.ticks(wanted: 4).map { value in
            SVGPlot.Mark(at: value, label: value == 0 ? "0" : Quantity.trimmed(Quantity.milliseconds(value)))
        }
    }

    private static func histogramPlot(_ latency: LatencyResult) -> Markup {
        let bins = Array(latency.histogram.prefix(HistogramBin.mostBins))
        guard let first = bins.first, let last = bins.last else { return "" }
        let most = bins.max { $0.count < $1.count } ?? first
        let hasTail = HistogramBin.hasTail(bins)
        let slots = Double(SVGPlot.slots(bins))
        var marks = [SVGPlot.Mark(at: 0, label: HistogramBin.label(first.fromMs, of: bins))]
        if bins.count > 3 {
            let middle = bins.count / 2
            let label = HistogramBin.label(bins[middle].fromMs, of: bins)
            marks.append(SVGPlot.Mark(at: Double(middle) / slots, label: label))
        }
        if hasTail {
            marks.append(SVGPlot.Mark(at: 1, label: "above \(HistogramBin.label(last.fromMs, of: bins))"))
        } else if last.toMs > first.fromMs {
            marks.append(SVGPlot.Mark(at: 1, label: HistogramBin.label(last.toMs, of: bins)))
        }
        return SVGPlot(
            id: "histogram",
            title: "Histogram of round trips",
            description:
                "Most often, \(Quantity.count(most.count)) times, between \(Quantity.milliseconds(most.fromMs)) and "
                + "\(Quantity.milliseconds(most.toMs)).",
            height: 180
        ).columns(bins, labels: marks)
    }
}
