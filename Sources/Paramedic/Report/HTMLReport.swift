internal import LinkMeasurement
internal import Operations

/// An examination as one self-contained HTML file.
package enum HTMLReport {
    package static func page(_ examination: Examination) -> String {
        let reflector = examination.reflector.name
        var content: Markup = """
            <header>
            <p class="eyebrow"><span><strong>Link examination</strong> to \(reflector)</span>\
            <span>\(examination.startedAt.readable)</span></p>
            <h1>\(examination.verdict.sentence)</h1>
            \(path(examination))
            <ul class="reasons">\(examination.verdict.reasons.prefix(24).map { "<li>\($0)</li>" as Markup })</ul>
            </header>
            \(figures(examination))
            """
        // What is missing comes before what is there.
        content += notes(examination.notes)
        if let bufferbloat = examination.bufferbloat { content += section(bufferbloat) }
        content += throughput(examination.download, examination.upload)
        if let latency = examination.latency { content += section(latency) }
        content += machines(examination.client, examination.reflector)
        content += """
            <footer>Examination \(examination.id), \(Examination.schemaName), measured from \
            \(examination.startedAt.readable) to \(examination.finishedAt.readable).</footer>
            """
        return HTMLPage.page(title: "Link to \(reflector), \(examination.startedAt.readable)", content: content)
    }

    /// The two machines and the link between them, with the limit marked.
    private static func path(_ examination: Examination) -> Markup {
        let limit = examination.verdict.limit
        func mark(_ own: Verdict.Limit...) -> String { own.contains(limit) ? " limit" : "" }
        func note(_ own: Verdict.Limit..., style: String) -> Markup {
            let isLimit = own.contains(limit)
            return "<small class=\"\(style)\(isLimit ? " limit" : "")\">\(isLimit ? "the limit" : "")</small>"
        }
        let wire = examination.mode == .tunneled ? "wire tunnel" : "wire"
        let middle =
            limit == .tunnel ? "the tunnel is the limit" : limit == .link ? "the limit" : examination.mode.words
        return """
            <div class="path" role="img" aria-label="\(examination.client.name) to \(examination.reflector.name), \
            \(examination.mode.words); limit: \(limit.words.lowercased())">
            <span class="end\(mark(.thisMachine))">\(examination.client.name)</span>\
            <span class="\(wire)\(mark(.link, .tunnel))"></span>\
            <span class="end last\(mark(.reflector))">\(examination.reflector.name)</span>
            \(note(.thisMachine, style: "first"))<small class="middle\(mark(.link, .tunnel))">\(middle)</small>\
            \(note(.reflector, style: "last"))
            </div>
            """
    }

    private static func figures(_ examination: Examination) -> Markup {
        func figure(_ name: String, _ value: String, _ detail: String) -> Markup {
            """
            <div><dt>\(name)</dt><dd>\(HTMLPage.figure(value))</dd><dd class="detail">\(detail)</dd></div>
            """
        }
        var items: [Markup] = []
        if let result = examination.download {
            items.append(figure("Download", Quantity.rate(examination.downloadBitsPerSecond), how(result)))
        }
        if let result = examination.upload {
            items.append(figure("Upload", Quantity.rate(examination.uploadBitsPerSecond), how(result)))
        }
        if let latency = examination.latency {
            items.append(
                figure(
                    "Round trip",
                    Quantity.milliseconds(latency.rtt?.p50),
                    "median; 99 % within \(Quantity.milliseconds(latency.rtt?.p99))"
                )
            )
            items.append(
                figure(
                    "Probes lost",
                    Quantity.percent(latency.lossPercent),
                    latency.transport == .tunneled
                        ? "inside TLS, which hides loss"
                        : "\(Quantity.count(latency.lost)) of \(Quantity.count(latency.sent))"
                )
            )
        }
        if let bufferbloat = examination.bufferbloat {
            items.append(
                figure(
                    "Grade under load",
                    bufferbloat.grade?.rawValue ?? Quantity.missing,
                    bufferbloat.grade == nil
                        ? "inconclusive" : "\(Quantity.whole(bufferbloat.roundTripsPerMinute)) round trips a minute"
                )
            )
        }
        return items.isEmpty ? "" : "<dl class=\"figures\">\(items)</dl>"
    }

    static func how(_ result: ThroughputResult) -> String {
        let streams = result.streams == 1 ? "1 stream" : "\(Quantity.count(result.streams)) streams"
        return "\(result.transport.rawValue.uppercased()), \(streams), \(result.engine.rawValue)"
    }

    private static func machines(_ client: ExaminedMachine, _ reflector: ExaminedMachine) -> Markup {
        let rows = MachineFact.all.compactMap { fact -> [String]? in
            let values = [fact.value(client), fact.value(reflector)]
            return values.allSatisfy { $0 == Quantity.missing } ? nil : [fact.name] + values
        }
        return """
            <section>
            <h2>Both machines</h2>
            <p class="soft">What they reported about themselves, so that neither is blamed for the link, nor the link for them.</p>
            \(HTMLPage.table(
                caption: "Facts about the two ends", head: ["", client.name, reflector.name], rows: rows, style: "facts words"))
            <p class="small soft">Endpoint IDs</p>
            <p class="id">\(client.name)<br>\(client.id)</p>
            <p class="id">\(reflector.name)<br>\(reflector.id)</p>
            </section>
            """
    }

    private static func notes(_ notes: [String]) -> Markup {
        guard !notes.isEmpty else { return "" }
        return """
            <section><h2>Notes</h2><ul class="reasons">\(notes.prefix(24).map { "<li>\($0)</li>" as Markup })</ul></section>
            """
    }
}
