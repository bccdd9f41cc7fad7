internal import Operations

extension HTMLReport {
    /// The most examinations in one history; the newest are kept.
    package static let mostExaminations = 500

    /// Several examinations, in any order, as a list and as trends.
    package static func page(history examinations: [Examination]) -> String {
        let newestFirst = Array(examinations.sorted { $0.startedAt > $1.startedAt }.prefix(mostExaminations))
        let trends = ReflectorTrend.all(of: newestFirst)
        let subject = trends.count == 1 ? trends[0].name : "\(trends.count) reflectors"
        var content: Markup = """
            <header><p class="eyebrow"><span><strong>Examinations</strong> of \(subject)</span>\
            <span>\(Quantity.count(newestFirst.count)) kept</span></p>
            <h1>\(headline(trends))</h1></header>
            """
        for (index, trend) in trends.enumerated() where trend.oldestFirst.count > 1 {
            let of = trends.count > 1 ? ", \(trend.name)" : ""
            content += """
                <section><h2>Throughput\(of)</h2><figure><figcaption><span class="key download">download</span>\
                <span class="key upload">upload</span></figcaption>\(rates(trend, number: index + 1))</figure></section>
                <section><h2>Median round trips\(of)</h2><figure><figcaption><span class="key idle">without load</span>\
                <span class="key both">under the worst load</span></figcaption>\(roundTrips(trend, number: index + 1))\
                </figure></section>
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
                rows: rows,
                style: "stamps"))
            </section>
            """
        return HTMLPage.page(title: "Examinations of \(subject)", content: content)
    }

    /// About the reflector that was examined last, compared with the median of its own earlier downloads.
    private static func headline(_ trends: [ReflectorTrend]) -> String {
        guard let trend = trends.first, let last = trend.oldestFirst.last else {
            return "Nothing has been examined yet."
        }
        guard let now = trend.downloads.last ?? nil, let usual = trend.usualDownload, usual > 0
        else { return last.verdict.sentence }
        let change = (now / usual - 1) * 100
        let comparison =
            change.magnitude < 5
            ? "as usual" : "\(Quantity.percent(change.magnitude)) \(change < 0 ? "below" : "above") the usual"
        let from = trends.count > 1 ? " from \(trend.name)" : ""
        return "The last download\(from) ran at \(Quantity.rate(now)), \(comparison)."
    }

    private static func rates(_ trend: ReflectorTrend, number: Int) -> Markup {
        plot(
            trend,
            id: "trend-rates-\(number)",
            title: "Throughput of every examination of \(trend.name)",
            lines: [("download", trend.downloads), ("upload", trend.uploads)],
            label: { Quantity.rate($0) }
        )
    }

    private static func roundTrips(_ trend: ReflectorTrend, number: Int) -> Markup {
        plot(
            trend,
            id: "trend-round-trips-\(number)",
            title: "Median round trips of every examination of \(trend.name)",
            lines: [("idle", trend.roundTrips), ("both", trend.roundTripsUnderLoad)],
            label: { Quantity.milliseconds($0) }
        )
    }

    private static func plot(
        _ trend: ReflectorTrend,
        id: String,
        title: String,
        lines: [(style: String, values: [Double?])],
        label: (Double) -> String
    ) -> Markup {
        let measured = lines.flatMap { $0.values.compactMap { $0 } }
        guard !measured.isEmpty else { return "<p class=\"soft\">None was measured.</p>" }
        let starts = trend.oldestFirst.map(\.startedAt)
        let times = starts.map { Double($0.unixMilliseconds) }
        let x = PlotScale(times, fromZero: false)
        let y = PlotScale(measured, fromZero: true).roundedUp
        let described = lines.map { line in
            let values = line.values.compactMap { $0 }
            return "\(line.style) between \(values.min().map(label) ?? Quantity.missing) and "
                + "\(values.max().map(label) ?? Quantity.missing)"
        }
        return SVGPlot(id: id, title: title, description: described.joined(separator: "; ") + ".").lines(
            lines.map { line in
                SVGPlot.Line(
                    style: line.style,
                    points: zip(times, line.values).map { time, value in value.map { (x: time, y: $0) } },
                    marksPoints: line.values.count <= mostMarkedPoints
                )
            },
            x: x,
            y: y,
            xMarks: ends(starts),
            yMarks: y.ticks(wanted: 4).map { SVGPlot.Mark(at: $0, label: $0 == 0 ? "0" : Quantity.trimmed(label($0))) }
        )
    }

    /// With more points, those of a line touch each other.
    private static let mostMarkedPoints = 60
    /// A day alone is the same for both ends of a short time, and coarse for a few days.
    private static let millisecondsWithClock: Int64 = 4 * 86_400_000
    private static let millisecondsWithSeconds: Int64 = 600_000

    /// The first and the last moment, as precise as the time between them requires.
    private static func ends(_ starts: [Timestamp]) -> [SVGPlot.Mark] {
        guard let first = starts.first, let last = starts.last else { return [] }
        let length = last.unixMilliseconds - first.unixMilliseconds
        let characters = length < millisecondsWithSeconds ? 19 : length < millisecondsWithClock ? 16 : 10
        return (length > 0 ? [first, last] : [first]).map {
            SVGPlot.Mark(at: Double($0.unixMilliseconds), label: String($0.readable.prefix(characters)))
        }
    }
}
