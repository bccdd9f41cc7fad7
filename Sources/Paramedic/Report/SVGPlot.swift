/// Draws inline SVG that fits any width: horizontal positions are percent, vertical ones pixels, so that text keeps its
/// size on a narrow screen. Colors are classes of the page's style.
package struct SVGPlot {
    /// One line of a plot. A nil interrupts the line; it continues after the gap.
    struct Line {
        var style: String
        var points: [(x: Double, y: Double)?]
        var isFilled = false
        /// Each point gets a dot. A point between two gaps always gets one: a line without length is invisible.
        var marksPoints = false

        /// The points that get a dot.
        var marked: [(x: Double, y: Double)] {
            points.indices.compactMap { index in
                guard let point = points[index] else { return nil }
                let isAlone =
                    (index == 0 || points[index - 1] == nil) && (index == points.count - 1 || points[index + 1] == nil)
                return marksPoints || isAlone ? point : nil
            }
        }
    }

    /// A part of the width with a name above it.
    struct Band {
        var name: String
        var style: String
        var from: Double
        var to: Double
    }

    /// A labeled place on an axis.
    struct Mark {
        var at: Double
        var label: String
    }

    /// Identifies the plot in the page, for its title and description.
    var id: String
    var title: String
    /// What the plot shows in a sentence, for readers who cannot see it.
    var description: String
    var height = 220.0
    /// Above the plot for the names of bands, below for the labels of the axis.
    private let above = 24.0
    private let below = 26.0

    private var inner: Double { height - above - below }

    init(id: String, title: String, description: String, height: Double = 220) {
        self.id = id
        self.title = title
        self.description = description
        self.height = height
    }

    private func svg(_ content: Markup, height: Double, style: String) -> Markup {
        """
        <svg class="chart \(style)" height="\(PlotScale.coordinate(height))" role="img" \
        aria-labelledby="\(id)-title \(id)-description">\
        <title id="\(id)-title">\(title)</title><desc id="\(id)-description">\(description)</desc>\(content)</svg>
        """
    }

    /// Lines over an axis that starts at zero. `lost` are places with a tick at the bottom.
    func lines(
        _ lines: [Line],
        x: PlotScale,
        y: PlotScale,
        bands: [Band] = [],
        xMarks: [Mark],
        yMarks: [Mark],
        lost: [Double] = []
    ) -> Markup {
        var content = Markup.empty
        for band in bands {
            let start = PlotScale.percent(x.share(band.from))
            content += """
                <rect class="band \(band.style)" x="\(start)" y="\(PlotScale.coordinate(above))" \
                width="\(PlotScale.percent(x.share(band.to) - x.share(band.from)))" \
                height="\(PlotScale.coordinate(inner))"/><text class="name \(band.style)" x="\(start)" y="14">\(band.name)</text>
                """
        }
        content += grid(yMarks, y: y)
        content += """
            <svg x="0" y="\(PlotScale.coordinate(above))" width="100%" height="\(PlotScale.coordinate(inner))" \
            viewBox="0 0 1000 \(PlotScale.coordinate(inner))" preserveAspectRatio="none" class="strokes">
            """
        for line in lines { content += path(line, x: x, y: y) }
        for place in lost.prefix(LatencyAnalysis.mostPoints) {
            let at = PlotScale.coordinate(x.share(place) * 1000)
            content += """
                <path class="lost" d="M\(at) \(PlotScale.coordinate(inner))V\(PlotScale.coordinate(inner - 9))"/>
                """
        }
        content += "</svg>"
        for line in lines { content += dots(line, x: x, y: y) }
        content += axis(xMarks, x: x)
        return svg(content, height: height, style: "lines")
    }

    private func grid(_ marks: [Mark], y: PlotScale) -> Markup {
        var content = Markup.empty
        for mark in marks {
            let at = above + inner * (1 - y.share(mark.at))
            content += """
                <line class="\(mark.at == y.low ? "base" : "grid")" x1="0" x2="100%" y1="\(PlotScale.coordinate(at))" \
                y2="\(PlotScale.coordinate(at))"/><text class="value" x="-8" y="\(PlotScale.coordinate(at + 4))">\
                \(mark.label)</text>
                """
        }
        return content
    }

    private func axis(_ marks: [Mark], x: PlotScale) -> Markup {
        var content = Markup.empty
        for mark in marks {
            let share = x.share(mark.at)
            let anchor = share < 0.03 ? "start" : share > 0.97 ? "end" : "middle"
            content += """
                <text class="tick" x="\(PlotScale.percent(share))" y="\(PlotScale.coordinate(height - 7))" \
                text-anchor="\(anchor)">\(mark.label)</text>
                """
        }
        return content
    }

    /// Outside the stretched part of the plot, so that they are round.
    private func dots(_ line: Line, x: PlotScale, y: PlotScale) -> Markup {
        var content = Markup.empty
        for point in line.marked {
            content += """
                <circle class="dot \(line.style)" cx="\(PlotScale.percent(x.share(point.x)))" \
                cy="\(PlotScale.coordinate(above + inner * (1 - y.share(point.y))))" r="2.5"/>
                """
        }
        return content
    }

    private func path(_ line: Line, x: PlotScale, y: PlotScale) -> Markup {
        var strokes = ""
        var area = ""
        var start: String?
        var end = ""
        for point in line.points {
            guard let point else {
                if let start {
                    area += "L\(end) \(PlotScale.coordinate(inner))L\(start) \(PlotScale.coordinate(inner))Z"
                }
                start = nil
                continue
            }
            let across = PlotScale.coordinate(x.share(point.x) * 1000)
            let down = PlotScale.coordinate(inner * (1 - y.share(point.y)))
            strokes += "\(start == nil ? "M" : "L")\(across) \(down)"
            area += "\(start == nil ? "M" : "L")\(across) \(down)"
            start = start ?? across
            end = across
        }
        if let start { area += "L\(end) \(PlotScale.coordinate(inner))L\(start) \(PlotScale.coordinate(inner))Z" }
        // The letters and numbers written above need no escaping, and a path may be longer than a name.
        let fill: Markup = line.isFilled ? "<path class=\"area \(line.style)\" d=\"\(Markup(path: area))\"/>" : ""
        return "\(fill)<path class=\"stroke \(line.style)\" d=\"\(Markup(path: strokes))\"/>"
    }

    /// The width of a histogram in columns: the open last bin is set apart by one column.
    package static func slots(_ bins: [HistogramBin]) -> Int {
        max(bins.count + (HistogramBin.hasTail(bins) ? 1 : 0), 1)
    }

    /// Upright bars of equal width. An open last bin, which spans everything above the others, is set apart and paler.
    func columns(_ bins: [HistogramBin], labels: [Mark]) -> Markup {
        let most = Double(max(bins.map(\.count).max() ?? 0, 1))
        let slots = Self.slots(bins)
        let width = 1 / Double(slots)
        let tail = HistogramBin.hasTail(bins) ? bins.count - 1 : nil
        var content: Markup = """
            <line class="base" x1="0" x2="100%" y1="\(PlotScale.coordinate(above + inner))" \
            y2="\(PlotScale.coordinate(above + inner))"/>
            """
        for (index, bin) in bins.enumerated() where bin.count > 0 {
            let slot = index == tail ? slots - 1 : index
            let tall = max(inner * min(max(Double(bin.count) / most, 0), 1), 1)
            content += """
                <rect class="bar idle\(index == tail ? " tail" : "")" \
                x="\(PlotScale.percent((Double(slot) + 0.06) * width))" \
                width="\(PlotScale.percent(width * 0.88))" y="\(PlotScale.coordinate(above + inner - tall))" \
                height="\(PlotScale.coordinate(tall))"/>
                """
        }
        content += axis(labels, x: PlotScale([0, 1], fromZero: true))
        return svg(content, height: height, style: "columns")
    }

    /// A horizontal bar with a name and a value above it, and a thin line that reaches further.
    struct Bar {
        var name: String
        var style: String
        /// Nil draws no bar: nothing was measured.
        var value: Double?
        var reach: Double?
        var label: String
    }

    func bars(_ bars: [Bar]) -> Markup {
        let row = 46.0
        let scale = PlotScale(bars.flatMap { [$0.value ?? 0, $0.reach ?? 0] }, fromZero: true)
        var content = Markup.empty
        for (index, bar) in bars.enumerated() {
            let top = Double(index) * row
            content += """
                <text class="name \(bar.style)" x="0" y="\(PlotScale.coordinate(top + 14))">\(bar.name)</text>\
                <text class="label" x="100%" y="\(PlotScale.coordinate(top + 14))">\(bar.label)</text>
                """
            guard let value = bar.value else { continue }
            if let reach = bar.reach, reach > value {
                content += """
                    <rect class="reach \(bar.style)" x="0" y="\(PlotScale.coordinate(top + 22))" height="12" rx="2" \
                    width="\(PlotScale.percent(scale.share(reach)))"/>
                    """
            }
            content += """
                <rect class="bar \(bar.style)" x="0" y="\(PlotScale.coordinate(top + 22))" height="12" rx="2" \
                width="\(PlotScale.percent(max(scale.share(value), 0.004)))"/>
                """
        }
        return svg(content, height: Double(max(bars.count, 1)) * row, style: "bars")
    }
}

extension Markup {
    /// The data of an SVG path: only commands, digits, points, minus signs and spaces are kept.
    fileprivate init(path: String) {
        let allowed = path.unicodeScalars.filter { "MLHVZ0123456789.- ".unicodeScalars.contains($0) }
        self.init(stringLiteral: String(String.UnicodeScalarView(allowed)))
    }
}
