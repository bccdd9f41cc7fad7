internal import Operations

extension HTMLReport {
    static func section(_ result: BufferbloatResult) -> Markup {
        let phases = Array(result.phases.prefix(BufferbloatResult.Phase.allCases.count))
        let missing = result.missingPhases.map { [$0.rawValue] + Array(repeating: Quantity.missing, count: 4) }
        let rows = phases.map { phase in
            [
                phase.phase.rawValue,
                Quantity.milliseconds(phase.latency.rtt?.mean),
                phase.phase == .idle ? "" : Quantity.change(milliseconds: phase.increaseMs),
                Quantity.milliseconds(phase.latency.rtt?.p95),
                phase.phase == .idle ? "" : phase.grade?.rawValue ?? Quantity.missing,
            ]
        }
        let loads = phases.map { phase in
            [
                phase.phase.rawValue, Quantity.rate(phase.downBitsPerSecond), Quantity.rate(phase.upBitsPerSecond),
                Quantity.percent(phase.latency.lossPercent), Quantity.whole(phase.roundTripsPerMinute),
            ]
        }
        return """
            <section>
            <h2>Latency under load</h2>
            <p class="soft">\(summary(result))</p>
            \(scale(result))
            <figure><figcaption>Round trips through the phases\(lostKey(phases))</figcaption>\(timeline(phases))</figure>
            <div class="beside even">
            <figure><figcaption>Mean round trip; the pale end is the 95th percentile</figcaption>\(bars(phases))</figure>
            \(HTMLPage.table(
                caption: "Round trips by phase", head: ["", "mean", "increase", "95 %", "grade"], rows: rows + missing))
            </div>
            \(HTMLPage.table(
                caption: "Load, probes lost, round trips per minute (RPM)", head: ["", "download", "upload", "lost", "RPM"], rows: loads + missing))
            <p class="small soft">\(BufferbloatWords.method)\(result.probeInsideTLS ? " " + BufferbloatWords.insideTLS : "")</p>
            </section>
            """
    }

    private static func summary(_ result: BufferbloatResult) -> String {
        guard let grade = result.grade else {
            return "Inconclusive: \(result.inconclusive ?? "no reason given")."
        }
        let worst = result.phases.filter { $0.phase != .idle }.max { ($0.increaseMs ?? 0) < ($1.increaseMs ?? 0) }
        let increase = worst.map {
            ($0.increaseMs ?? 0) >= 0
                ? "The mean round trip grows by \(Quantity.milliseconds($0.increaseMs)) \($0.phase.underLoad)"
                : "The mean round trip does not grow \($0.phase.underLoad)"
        }
        return "\(increase ?? "The mean round trip was compared"): grade \(grade.rawValue)."
    }

    /// The table of grades, with the reached one marked.
    private static func scale(_ result: BufferbloatResult) -> Markup {
        let bands = result.gradeTable.prefix(6).map { band -> Markup in
            let isReached = band.grade == result.grade
            return """
                <li\(isReached ? " class=\"is\" aria-current=\"true\"" as Markup : "")><b>\(band.grade.rawValue)</b>\(band.words)</li>
                """
        }
        return "<ol class=\"grades\" aria-label=\"Grades by increase of the mean round trip\">\(bands)</ol>"
    }

    private static func lostKey(_ phases: [BufferbloatPhase]) -> Markup {
        phases.contains { $0.latency.lost > 0 } ? " <span class=\"key lost\">lost</span>" : ""
    }

    /// The phases one after the other on one time axis.
    private static func timeline(_ phases: [BufferbloatPhase]) -> Markup {
        let gap = 0.015
        var lines: [SVGPlot.Line] = []
        var bands: [SVGPlot.Band] = []
        var lost: [Double] = []
        let lengths = phases.map { phase in
            max(PlotScale(phase.latency.series.map(\.timeSec), fromZero: true).high, 1e-3)
        }
        let total = lengths.reduce(0, +)
        var start = 0.0
        for (phase, length) in zip(phases, lengths) {
            let series = phase.latency.series.prefix(LatencyAnalysis.mostPoints)
            let from = start
            lines.append(
                SVGPlot.Line(
                    style: phase.phase.rawValue,
                    points: series.map { point in point.rttMs.map { (x: from + point.timeSec, y: $0) } }
                )
            )
            bands.append(
                SVGPlot.Band(name: phase.phase.rawValue, style: phase.phase.rawValue, from: from, to: from + length)
            )
            lost += series.filter { $0.rttMs == nil }.map { from + $0.timeSec }
            start += length + total * gap
        }
        let x = PlotScale([0, bands.last?.to ?? 1], fromZero: true)
        let y = PlotScale(phases.flatMap { $0.latency.series.compactMap(\.rttMs) }, fromZero: true).roundedUp
        let described = phases.map { "\($0.phase.words) \(Quantity.milliseconds($0.latency.rtt?.mean))" }
        return SVGPlot(
            id: "phases",
            title: "Round trips without and under load",
            description: "Mean by phase: \(described.joined(separator: ", ")).",
            height: 250
        ).lines(
            lines,
            x: x,
            y: y,
            bands: bands,
            xMarks: zip(bands, lengths).map { SVGPlot.Mark(at: $0.to, label: Quantity.trimmed(Quantity.seconds($1))) },
            yMarks: milliseconds(y),
            lost: lost
        )
    }

    private static func bars(_ phases: [BufferbloatPhase]) -> Markup {
        let bars = phases.map { phase in
            SVGPlot.Bar(
                name: phase.phase.words,
                style: phase.phase.rawValue,
                value: phase.latency.rtt?.mean,
                reach: phase.latency.rtt?.p95,
                label: Quantity.milliseconds(phase.latency.rtt?.mean)
            )
        }
        let described = phases.map {
            "\($0.phase.words) \(Quantity.milliseconds($0.latency.rtt?.mean)), 95 % below "
                + Quantity.milliseconds($0.latency.rtt?.p95)
        }
        return SVGPlot(
            id: "bufferbloat",
            title: "Mean round trip by phase",
            description: described.joined(separator: "; ") + "."
        ).bars(bars)
    }
}
