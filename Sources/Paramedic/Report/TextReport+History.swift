internal import LinkMeasurement
internal import Operations

extension TextReport {
    /// Several examinations, the newest first, with a sparkline of each trend.
    package func text(history examinations: [Examination]) -> String {
        let newestFirst = examinations.sorted { $0.startedAt > $1.startedAt }.prefix(HTMLReport.mostExaminations)
        var page = TextPage(style: style)
        page.heading("Examinations")
        guard !newestFirst.isEmpty else {
            page.paragraph("None is kept yet. “paramedic run” makes the first one.")
            return page.text
        }
        var cells = [
            [TextCell.label("when (UTC)", .faint), .label("reflector", .faint)]
                + ["download", "upload", "round trip", "lost", "grade"].map { .figure($0, .faint) }
                + [.label("limit", .faint)]
        ]
        for examination in newestFirst {
            cells.append([
                .label(String(examination.startedAt.readable.prefix(16))),
                .label(examination.reflector.name.printable(limit: 16)),
                .figure(Quantity.rate(examination.downloadBitsPerSecond)),
                .figure(Quantity.rate(examination.uploadBitsPerSecond)),
                .figure(Quantity.milliseconds(examination.latency?.rtt?.p50)),
                .figure(Quantity.percent(examination.latency?.lossPercent)),
                .figure(examination.verdict.grade?.rawValue ?? Quantity.missing, examination.verdict.grade?.tone),
                .label(examination.verdict.limit.words),
            ])
        }
        page.table(cells, givingUp: [5, 4])
        let trends = ReflectorTrend.all(of: newestFirst)
        for trend in trends where trend.oldestFirst.count > 1 {
            if trends.count > 1 { page.heading("Trend of \(trend.name)") } else { page.blank() }
            page.table([
                line("download", trend.downloads, .down),
                line("upload", trend.uploads, .up),
                line("round trip", trend.roundTrips, nil),
            ])
            let gaps = (trend.downloads + trend.uploads + trend.roundTrips).contains { $0 == nil }
            page.paragraph("Oldest on the left.\(gaps ? " A gap was not measured." : "")", tone: .faint)
        }
        return page.text
    }

    private func line(_ name: String, _ values: [Double?], _ tone: TextStyle.Tone?) -> [TextCell] {
        let line = style.sparkline(values, width: style.columns - 28)
        return [.label(name, tone), .label(values.allSatisfy { $0 == nil } ? Quantity.missing : line, tone)]
    }
}
