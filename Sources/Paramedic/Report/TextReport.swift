package import LinkMeasurement
internal import Operations

/// Results as a page of text for a terminal.
package struct TextReport: Sendable {
    package var style: TextStyle

    package init(style: TextStyle = TextStyle()) {
        self.style = style
    }

    package func text(_ examination: Examination) -> String {
        var page = TextPage(style: style)
        page.heading("Examination of the link to \(examination.reflector.name.printable(limit: 48))")
        let client = examination.client.name.printable(limit: 32)
        let address = examination.reflector.address.map { " to \($0.printable(limit: 60))" } ?? ""
        page.paragraph(
            "\(examination.startedAt.readable), from \(client)\(address), \(examination.mode.words)",
            tone: .faint
        )
        page.blank()
        page.paragraph(examination.verdict.sentence.printable(limit: 400), tone: .strong)
        for reason in examination.verdict.reasons.prefix(24) {
            page.paragraph(reason.printable(limit: 400), mark: "• ")
        }
        // What is missing comes before what is there.
        if !examination.notes.isEmpty {
            page.heading("Notes")
            for note in examination.notes.prefix(24) { page.paragraph(note.printable(limit: 400), mark: "• ") }
        }
        throughput([examination.download, examination.upload].compactMap { $0 }, on: &page)
        if let latency = examination.latency { add(latency, titled: "Latency without load", to: &page) }
        if let bufferbloat = examination.bufferbloat { add(bufferbloat, to: &page) }
        machines([examination.client, examination.reflector], on: &page)
        return page.text
    }

    /// - Parameter path: what the reflector reports about itself after the test.
    package func text(_ result: ThroughputResult, path: PathMetadata? = nil) -> String {
        var page = TextPage(style: style)
        throughput([result], on: &page)
        if let load = path?.cpuLoad {
            page.paragraph("the reflector's load after it: \(Quantity.fixed(load, decimals: 2)) per core", tone: .faint)
        }
        return page.text
    }

    /// Bits a second: less is a twentieth of the slowest links in use.
    private static let probesWorthTelling = 30_000.0

    package func text(_ result: LatencyResult) -> String {
        var page = TextPage(style: style)
        add(result, titled: "Latency", to: &page)
        guard result.probeBitsPerSecond >= Self.probesWorthTelling else { return page.text }
        page.paragraph(
            "The probes alone are \(Quantity.rate(result.probeBitsPerSecond)) each way: on a link that carries less than some "
                + "twenty times that, increase the interval (--interval).",
            tone: .faint
        )
        return page.text
    }

    package func text(_ result: BufferbloatResult) -> String {
        var page = TextPage(style: style)
        add(result, to: &page)
        return page.text
    }

    /// The facts about the machines, side by side.
    package func text(_ machines: [ExaminedMachine]) -> String {
        var page = TextPage(style: style)
        self.machines(machines, on: &page)
        return page.text
    }
}

extension TextReport {
    private func throughput(_ results: [ThroughputResult], on page: inout TextPage) {
        guard !results.isEmpty else { return }
        page.heading("Throughput")
        var rows = [
            ["", "result", "moved", "time", "resent", "lost", "CPU here", "CPU there"].map {
                TextCell.figure($0, .faint)
            }
                + [.label("per second", .faint)]
        ]
        for result in results.map({ $0.bounded() }) {
            for moved in result.directions.sorted(by: { $0.direction == .down && $1.direction == .up }) {
                let tone: TextStyle.Tone = moved.direction == .down ? .down : .up
                rows.append([
                    .label(moved.direction.words, tone),
                    .figure(Quantity.rate(moved.bitsPerSecond), .strong),
                    .figure(Quantity.bytes(moved.bytes)),
                    .figure(Quantity.seconds(moved.durationSec)),
                    .figure(Quantity.count(moved.retransmits)),
                    .figure(Quantity.percent(moved.lossPercent)),
                    .figure(Quantity.percent(result.clientCPUPercent)),
                    .figure(Quantity.percent(result.serverCPUPercent)),
                    .label(style.sparkline(moved.intervals.map(\.bitsPerSecond), width: 16), tone),
                ])
            }
        }
        // Columns that were not counted are dropped first, then those that follow from the rest.
        let uncounted = [5, 4].filter { column in rows.dropFirst().allSatisfy { $0[column].text == Quantity.missing } }
        page.table(rows, givingUp: uncounted + [3, 2])
        for result in results {
            let streams = result.streams == 1 ? "1 stream" : "\(Quantity.count(result.streams)) streams"
            let how =
                "\(result.engine.rawValue), \(result.transport.rawValue.uppercased()), \(streams), \(result.mode.words)"
            let about = result.directions.map(\.direction.words).joined(separator: " and ")
            page.paragraph("\(about): \(how)", tone: .faint)
            for note in result.notes.prefix(8) { page.paragraph(note.printable(limit: 400), mark: "• ") }
        }
    }

    private func add(_ result: LatencyResult, titled title: String, to page: inout TextPage) {
        page.heading(title)
        let rows: [(String, Distribution?)] = [
            ("round trip", result.rtt), ("IPDV", result.ipdv), ("turnaround", result.reflectorTurnaround),
        ]
        var cells = [["", "min", "mean", "p50", "p95", "p99", "max", "deviation"].map { TextCell.figure($0, .faint) }]
        for (name, values) in rows {
            guard let values else { continue }
            let figures = [
                values.min, values.mean, values.p50, values.p95, values.p99, values.max, values.stddev,
            ]
            cells.append([.label(name)] + figures.map { .figure(Quantity.milliseconds($0)) })
        }
        page.table(cells, givingUp: [7])
        let jitter = [
            result.jitterMs.map { "\(Quantity.milliseconds($0)) of the round trip" },
            result.jitterUpMs.map { "\(Quantity.milliseconds($0)) up" },
            result.jitterDownMs.map { "\(Quantity.milliseconds($0)) down" },
        ].compactMap { $0 }
        if !jitter.isEmpty { page.paragraph("Jitter (RFC 3550): \(jitter.joined(separator: ", "))") }
        page.paragraph(
            "\(Quantity.count(result.sent)) probes every \(Quantity.trimmed(Quantity.milliseconds(result.intervalMs))), \(result.transport.words): "
                + "\(Quantity.count(result.lost)) lost (\(Quantity.percent(result.lossPercent)))"
                + byDirection(up: result.lostUp, down: result.lostDown)
                + ", \(reordered(result)), \(Quantity.count(result.duplicates)) duplicates"
        )
        if let words = result.rateLimitWords {
            page.paragraph(words, tone: result.isMostlyRateLimited ? .fair : nil)
        }
        for words in result.hostWords {
            page.paragraph(words, mark: "• ", tone: result.isDistortedByHost ? .fair : nil)
        }
        histogram(result.histogram, on: &page)
    }

    private func byDirection(up: Int?, down: Int?) -> String {
        guard let up, let down else { return "" }
        return ", \(Quantity.count(up)) up and \(Quantity.count(down)) down"
    }

    private func reordered(_ result: LatencyResult) -> String {
        guard result.reorderedUp != nil || result.reorderedDown != nil else { return "reordering unknown" }
        return "reordered \(Quantity.count(result.reorderedUp)) up and \(Quantity.count(result.reorderedDown)) down"
    }

    private func histogram(_ bins: [HistogramBin], on page: inout TextPage) {
        let bins = Array(bins.prefix(HistogramBin.mostBins))
        let most = bins.map(\.count).max() ?? 0
        guard bins.count > 1, most > 0 else { return }
        let tail = HistogramBin.hasTail(bins) ? bins.count - 1 : nil
        page.blank()
        page.table(
            bins.enumerated().map { index, bin in
                [
                    .figure(HistogramBin.label(bin.fromMs, of: bins), .faint),
                    .figure(index == tail ? "and above" : "– \(HistogramBin.label(bin.toMs, of: bins))", .faint),
                    .figure(Quantity.count(bin.count)),
                    .label(style.bar(Double(bin.count) / Double(most), width: style.columns / 2), .down),
                ]
            }
        )
    }

    private func add(_ result: BufferbloatResult, to page: inout TextPage) {
        page.heading("Latency under load")
        if let grade = result.grade {
            page.paragraph(
                "Grade \(grade.rawValue), \(Quantity.whole(result.roundTripsPerMinute)) round trips per minute under load",
                tone: grade.tone
            )
        } else {
            page.paragraph(
                "Inconclusive: \((result.inconclusive ?? "no reason was given").printable(limit: 400)).",
                tone: .fair
            )
        }
        var cells = [
            ["", "mean", "p95", "increase", "grade", "trips/min", "lost", "down", "up"].map {
                TextCell.figure($0, .faint)
            }
        ]
        for phase in result.phases.prefix(8) {
            cells.append([
                .label(phase.phase.rawValue),
                .figure(Quantity.milliseconds(phase.latency.rtt?.mean)),
                .figure(Quantity.milliseconds(phase.latency.rtt?.p95)),
                .figure(phase.phase == .idle ? "" : Quantity.change(milliseconds: phase.increaseMs)),
                .figure(phase.phase == .idle ? "" : phase.grade?.rawValue ?? "–", phase.grade?.tone),
                .figure(Quantity.whole(phase.roundTripsPerMinute)),
                .figure(Quantity.percent(phase.latency.lossPercent)),
                .figure(Quantity.rate(phase.downBitsPerSecond)),
                .figure(Quantity.rate(phase.upBitsPerSecond)),
            ])
        }
        for phase in result.missingPhases {
            let rest = Array(repeating: TextCell.figure(Quantity.missing), count: cells[0].count - 1)
            cells.append([.label(phase.rawValue)] + rest)
        }
        page.table(cells, givingUp: [5, 2])
        let bands = result.gradeTable.prefix(12).map { "\($0.grade.rawValue) \($0.words)" }.joined(separator: ", ")
        page.paragraph("Grades by mean increase: \(bands).", tone: .faint)
        page.paragraph(BufferbloatWords.method, tone: .faint)
        if result.probeInsideTLS { page.paragraph(BufferbloatWords.insideTLS, tone: .faint) }
    }

    private func machines(_ machines: [ExaminedMachine], on page: inout TextPage) {
        guard !machines.isEmpty else { return }
        page.heading(machines.count == 1 ? "The machine" : "The machines")
        var cells = [[TextCell.label("")] + machines.map { .label($0.name.printable(limit: 32), .strong) }]
        for fact in MachineFact.all {
            let values = machines.map(fact.value)
            guard values.contains(where: { $0 != Quantity.missing }) else { continue }
            cells.append([.label(fact.name, .faint)] + values.map { .label($0) })
        }
        page.table(cells)
        for machine in machines {
            page.paragraph("\(machine.name.printable(limit: 32)) is \(machine.id.printable(limit: 72))", tone: .faint)
        }
    }
}

extension BufferbloatGrade {
    var tone: TextStyle.Tone {
        switch self {
        case .aPlus, .a: .good
        case .b, .c: .fair
        case .d, .f: .bad
        }
    }
}
