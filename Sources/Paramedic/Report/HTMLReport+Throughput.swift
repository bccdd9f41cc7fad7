internal import LinkMeasurement
internal import Operations

extension HTMLReport {
    static func throughput(_ download: ThroughputResult?, _ upload: ThroughputResult?) -> Markup {
        let results = [download, upload].compactMap { $0?.bounded() }
        var moved: [(result: ThroughputResult, direction: ThroughputDirection)] = []
        for result in results {
            for direction in result.directions
            where !moved.contains(where: { $0.direction.direction == direction.direction }) {
                moved.append((result, direction))
            }
        }
        guard !moved.isEmpty else { return "" }
        let rows = [
            row("received", moved) { Quantity.rate($0.direction.bitsPerSecondReceived) },
            row("sent", moved) { Quantity.rate($0.direction.bitsPerSecondSent) },
            row("moved", moved) { Quantity.bytes($0.direction.bytes) },
            row("time", moved) { Quantity.seconds($0.direction.durationSec) },
            row("retransmitted", moved) { Quantity.count($0.direction.retransmits) },
            row("lost", moved) { Quantity.percent($0.direction.lossPercent) },
            row("jitter", moved) { Quantity.milliseconds($0.direction.jitterMs) },
            row("CPU here", moved) { Quantity.percent($0.result.clientCPUPercent) },
            row("CPU there", moved) { Quantity.percent($0.result.serverCPUPercent) },
        ].filter { $0.dropFirst().contains { $0 != Quantity.missing } }
        let keys = moved.map { item -> Markup in
            let name = item.direction.direction.words
            return "<span class=\"key \(name)\">\(name)</span>"
        }
        let notes = results.flatMap(\.notes).map { note -> Markup in "<p class=\"small soft\">\(note)</p>" }
        return """
            <section>
            <h2>Throughput</h2>
            <p class="soft">What arrived at the other end, second by second. CPU is that of the measuring program; 100 % is one \
            core.</p>
            <div class="beside">
            <figure><figcaption>\(keys)</figcaption>\(plot(moved.map(\.direction)))</figure>
            \(HTMLPage.table(caption: "Over the whole test", head: [""] + moved.map(\.direction.direction.words), rows: rows))
            </div>
            \(intervals(moved.map(\.direction)))\(notes)
            </section>
            """
    }

    private static func row(
        _ name: String,
        _ moved: [(result: ThroughputResult, direction: ThroughputDirection)],
        _ value: ((result: ThroughputResult, direction: ThroughputDirection)) -> String
    ) -> [String] {
        [name] + moved.map(value)
    }

    private static func plot(_ directions: [ThroughputDirection]) -> Markup {
        let intervals = directions.flatMap(\.intervals)
        guard !intervals.isEmpty else { return "<p class=\"soft\">No intervals were reported.</p>" }
        let x = PlotScale(intervals.map(\.endSec), fromZero: true)
        let y = PlotScale(intervals.map(\.bitsPerSecond), fromZero: true).roundedUp
        let lines = directions.map { direction -> SVGPlot.Line in
            // A rate holds for its whole interval: a step, not a slope between two midpoints.
            let points = direction.intervals.flatMap {
                [($0.startSec, $0.bitsPerSecond), ($0.endSec, $0.bitsPerSecond)]
            }
            return SVGPlot.Line(
                style: direction.direction.words,
                points: points.map { (x: $0.0, y: $0.1) },
                isFilled: true
            )
        }
        let described = directions.map { direction in
            let rates = direction.intervals.map(\.bitsPerSecond)
            return
                "\(direction.direction.words) between \(Quantity.rate(rates.min())) and \(Quantity.rate(rates.max()))"
        }
        return SVGPlot(
            id: "throughput",
            title: "Throughput over time",
            description: "Per interval: \(described.joined(separator: "; ")). The figures are in the table below."
        ).lines(
            lines,
            x: x,
            y: y,
            xMarks: x.ticks(wanted: 5).map { SVGPlot.Mark(at: $0, label: Quantity.trimmed(Quantity.seconds($0))) },
            yMarks: y.ticks(wanted: 4).map {
                SVGPlot.Mark(at: $0, label: $0 == 0 ? "0" : Quantity.trimmed(Quantity.rate($0)))
            }
        )
    }

    private static func intervals(_ directions: [ThroughputDirection]) -> Markup {
        let rows = directions.flatMap { direction in
            direction.intervals.prefix(120).map { interval in
                [
                    direction.direction.words,
                    "\(Quantity.fixed(interval.startSec, decimals: 1)) – \(Quantity.seconds(interval.endSec))",
                    Quantity.rate(interval.bitsPerSecond),
                    Quantity.bytes(interval.bytes),
                    Quantity.count(interval.retransmits),
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return """
            <details><summary>Figures of every interval</summary>
            \(HTMLPage.table(caption: "Intervals", head: ["", "time", "rate", "moved", "retransmitted"], rows: rows))
            </details>
            """
    }
}
