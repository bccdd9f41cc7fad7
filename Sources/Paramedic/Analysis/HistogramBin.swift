internal import Operations

/// The number of values in [`fromMs`, `toMs`); the last bin includes its upper edge as well.
package struct HistogramBin: Codable, Sendable, Equatable {
    package var fromMs: Double
    package var toMs: Double
    package var count: Int

    package init(fromMs: Double, toMs: Double, count: Int) {
        self.fromMs = fromMs
        self.toMs = toMs
        self.count = count
    }

    private enum CodingKeys: String, CodingKey {
        case fromMs = "from_ms"
        case toMs = "to_ms"
        case count
    }
}

extension HistogramBin {
    /// Wanted number of bins; the width is then rounded to 1, 2 or 5 times a power of ten.
    static let wantedBins = 16.0
    /// The most bins that the rounding can lead to, plus one for the tail.
    package static let mostBins = 34

    /// Equal bins with round edges from the smallest value to the 99th percentile. Values above go into one wide last
    /// bin, so that a few outliers do not squeeze everything else into the first one.
    package static func bins(sorted: [Double], p99: Double) -> [HistogramBin] {
        guard let first = sorted.first, let last = sorted.last else { return [] }
        let span = p99 - first
        // A difference below floating-point resolution has no bins inside it.
        guard span.isFinite, span > last.magnitude * 1e-9, span > 1e-9 else {
            return [HistogramBin(fromMs: first, toMs: last, count: sorted.count)]
        }
        let width = roundWidth(span / wantedBins)
        let start = (first / width).rounded(.down)
        let wanted = Swift.min((p99 / width).rounded(.down) - start + 1, Double(mostBins - 1))
        var bins = (0..<Swift.max(Int(wanted), 1)).map { index in
            HistogramBin(
                fromMs: rounded((start + Double(index)) * width),
                toMs: rounded((start + Double(index) + 1) * width),
                count: 0
            )
        }
        let end = bins[bins.count - 1].toMs
        if last > end {
            bins.append(HistogramBin(fromMs: end, toMs: last, count: 0))
        }
        var index = 0
        for value in sorted {
            while index < bins.count - 1, value >= bins[index].toMs { index += 1 }
            bins[index].count += 1
        }
        return bins
    }

    /// Whether the last bin is the wide one for everything above the others.
    package static func hasTail(_ bins: [HistogramBin]) -> Bool {
        guard let first = bins.first, let last = bins.last, bins.count > 1 else { return false }
        let width = first.toMs - first.fromMs
        return ((last.toMs - last.fromMs) - width).magnitude > width * 0.01
    }

    /// The edge between two bins, with enough decimals to differ from the next.
    static func label(_ edge: Double, of bins: [HistogramBin]) -> String {
        Quantity.milliseconds(edge, step: bins.first.map { $0.toMs - $0.fromMs } ?? 0)
    }

    /// The smallest of 1, 2, 5 × 10^n that is at least `raw`.
    private static func roundWidth(_ raw: Double) -> Double {
        var power = 1.0
        while power > raw, power > 1e-9 { power /= 10 }
        while power * 10 <= raw, power < 1e15 { power *= 10 }
        for factor in [1.0, 2, 5] where power * factor >= raw { return power * factor }
        return power * 10
    }

    /// Removes the binary noise of an edge: 0.30000000000000004 is 0.3.
    private static func rounded(_ value: Double) -> Double {
        value.magnitude < 1e9 ? (value * 1e6).rounded() / 1e6 : value
    }
}
