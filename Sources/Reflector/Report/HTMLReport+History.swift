extension HTMLReport {
    /// The most examinations in one history; the newest are kept.
    package static let mostExaminations = 500

    /// Several examinations as a list and as trends, whatever order they come in.
    package static func page(history examinations: [Examination]) -> String {
        let newestFirst = Array(examinations.sorted { $0.startedAt > $1.startedAt }.prefix(mostExaminations))
        let oldestFirst = Array(newestFirst.reversed())
        let names = Set(newestFirst.map { $0.reflector.name.printable(limit: 48) }).sorted()
        let subject = names.count == 1 ? names[0] : "\(names.count) reflectors"
        var content: Markup = """
            <header><p class="eyebrow"><span><strong>Examinations</strong> of \(subject)</span>\
            <span>\(Quantity.count(newestFirst.count)) kept</span></p>
            <h1>\(headline(oldestFirst))</h1></header>
            """
        if oldestFirst.count > 1 {
            content += """
                <section><h2>Throughput</h2><figure><figcaption><span class="key download">download</span>\
                <span class="key upload">upload</span></figcaption>\(rates(oldestFirst))</figure></section>
                <section><h2>Round trips</h2><figure><figcaption><span class="key idle">without load</span>\
                <span class="key both">under the worst load</span></figcaption>\(roundTrips(oldestFirst))</figure></section>
                """
        }
        let rows = newestFirst.map { examination in
            [
                examination.startedAt.readable,
                examination.reflector.name,
                Quantity.rate(examination.downloadBitsPerSecond),
                Quantity.rate(examination.uploadBitsPerSecond),
                Quantity.milliseconds(examination.latency?.rtt?.p50),
                Quantity.percent(examination.latency?.lossPercent),
                examination.verdict.grade?.rawValue ?? Quantity.missing,
                examination.verdict.limit.words,
            ]
        }
        content += """
            <section><h2>All of them</h2>
            \(HTMLPage.table(
                caption: "Newest first",
                head: ["when", "reflector", "download", "upload", "round trip", "lost", "grade", "limit"],
                rows: rows))
            </section>
            """
        return HTMLPage.page(title: "Examinations of \(subject)", content: content)
    }

    private static func headline(_ oldestFirst: [Examination]) -> String {
        guard let last = oldestFirst.last else { return "Nothing has been examined yet." }
        guard oldestFirst.count > 1, let now = last.downloadBitsPerSecond,
            let usual = Distribution(of: oldestFirst.dropLast().compactMap(\.downloadBitsPerSecond))?.p50, usual > 0
        else { return last.verdict.sentence }
        let change = (now / usual - 1) * 100
        let comparison =
            change.magnitude < 5
            ? "as usual" : "\(Quantity.percent(change.magnitude)) \(change < 0 ? "below" : "above") the usual"
        return "The last download ran at \(Quantity.rate(now)), \(comparison)."
    }

    private static func rates(_ oldestFirst: [Examination]) -> Markup {
        trend(
            oldestFirst,
            id: "trend-rates",
            title: "Throughput of every examination",
            lines: [
                ("download", oldestFirst.map(\.downloadBitsPerSecond)),
                ("upload", oldestFirst.map(\.uploadBitsPerSecond)),
            ],
            label: { Quantity.rate($0) }
        )
    }

    private static func roundTrips(_ oldestFirst: [Examination]) -> Markup {
        trend(
            oldestFirst,
            id: "trend-round-trips",
            title: "Round trips of every examination",
            lines: [
                ("idle", oldestFirst.map { $0.latency?.rtt?.p50 }),
                (
                    "both",
                    oldestFirst.map {
                        $0.bufferbloat?.phases.filter { $0.phase != .idle }.compactMap { $0.latency.rtt?.mean }.max()
                    }
                ),
            ],
            label: { Quantity.milliseconds($0) }
        )
    }

    private static func trend(
        _ oldestFirst: [Examination],
        id: String,
        title: String,
        lines: [(style: String, values: [Double?])],
        label: (Double) -> String
    ) -> Markup {
        let times = oldestFirst.map { Double($0.startedAt.unixMilliseconds) }
        let x = PlotScale(times, fromZero: false)
        let y = PlotScale(lines.flatMap { $0.values.compactMap { $0 } }, fromZero: true).roundedUp
        let ends = [oldestFirst.first, oldestFirst.last].compactMap { $0?.startedAt }
        let described = lines.map { line in
            let values = line.values.compactMap { $0 }
            return "\(line.style) between \(values.min().map(label) ?? Quantity.missing) and "
                + "\(values.max().map(label) ?? Quantity.missing)"
        }
        return SVGPlot(id: id, title: title, description: described.joined(separator: "; ") + ".").lines(
            lines.map { line in
                SVGPlot.Line(
                    style: line.style,
                    points: zip(times, line.values).map { time, value in value.map { (x: time, y: $0) } }
                )
            },
            x: x,
            y: y,
            xMarks: ends.map { SVGPlot.Mark(at: Double($0.unixMilliseconds), label: String($0.readable.prefix(10))) },
            yMarks: y.ticks(wanted: 4).map { SVGPlot.Mark(at: $0, label: $0 == 0 ? "0" : Quantity.trimmed(label($0))) }
        )
    }
}
