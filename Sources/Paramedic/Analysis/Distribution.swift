/// Order statistics of a set of values in milliseconds.
///
/// A percentile p is the nearest rank: the value at position ceil(p/100 × count) of the sorted values, so it is always
/// a measured value (numpy's `method="inverted_cdf"`). `stddev` is that of the population (divided by count).
package struct Distribution: Codable, Sendable, Equatable {
    package var count: Int
    package var min: Double
    package var mean: Double
    package var p50: Double
    package var p95: Double
    package var p99: Double
    package var max: Double
    package var stddev: Double

    package init(
        count: Int,
        min: Double,
        mean: Double,
        p50: Double,
        p95: Double,
        p99: Double,
        max: Double,
        stddev: Double
    ) {
        self.count = count
        self.min = min
        self.mean = mean
        self.p50 = p50
        self.p95 = p95
        self.p99 = p99
        self.max = max
        self.stddev = stddev
    }

    /// The distribution of the finite ones among `values`; nil if there are none.
    package init?(of values: [Double]) {
        self.init(sorted: values.filter(\.isFinite).sorted())
    }

    /// The distribution of finite, ascending values; nil if there are none.
    init?(sorted: [Double]) {
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let mean = sorted.reduce(0, +) / Double(sorted.count)
        let variance = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sorted.count)
        self.init(
            count: sorted.count,
            min: first,
            // The mean of equal values may be rounded to a neighboring number; clamp it to the range.
            mean: Swift.min(Swift.max(mean, first), last),
            p50: Self.nearestRank(50, in: sorted),
            p95: Self.nearestRank(95, in: sorted),
            p99: Self.nearestRank(99, in: sorted),
            max: last,
            stddev: variance.squareRoot()
        )
    }

    private static func nearestRank(_ percent: Int, in sorted: [Double]) -> Double {
        let rank = (sorted.count * percent + 99) / 100
        return sorted[Swift.max(rank, 1) - 1]
    }

    private enum CodingKeys: String, CodingKey {
        case count
        case min = "min_ms"
        case mean = "mean_ms"
        case p50 = "p50_ms"
        case p95 = "p95_ms"
        case p99 = "p99_ms"
        case max = "max_ms"
        case stddev = "stddev_ms"
    }
}
