internal import CoreMetrics
internal import Synchronization

/// How many recorded numbers are at most each of sixteen bounds, and the sum of all.
///
/// A non-finite number is dropped: it would spoil the sum forever.
final class PrometheusHistogram: RecorderHandler, TimerHandler, PrometheusSeries {
    typealias Bounds = InlineArray<16, Double>

    /// In seconds: 100 µs to 10 s, for requests and handshakes.
    static let timerBounds: Bounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    /// Fractions of one, and sizes up to a billion.
    static let distributionBounds: Bounds = [
        0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    ]

    let key: PrometheusKey
    private let bounds: Bounds
    /// Not cumulative; the last is for numbers above all bounds.
    private let counts = InlineArray<17, Atomic<UInt64>> { _ in Atomic(0) }
    private let sum = AtomicDouble(0)

    init(_ key: PrometheusKey, bounds: Bounds) {
        self.key = key
        self.bounds = bounds
    }

    func record(_ value: Double) {
        if !value.isFinite { return }
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        counts[bucket].wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// Kept in seconds.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func write(to text: inout PrometheusText, name: String) {
        let labels = key.labels.text
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: UInt64 = 0
        for bucket in counts.indices {
            total &+= counts[bucket].load(ordering: .relaxed)
            let bound = bucket < bounds.count ? "\(bounds[bucket])" : "+Inf"
            text.sample(name + "_bucket", labels: "\(prefix)le=\"\(bound)\"", total)
        }
        text.sample(name + "_sum", labels: labels, sum.value)
        text.sample(name + "_count", labels: labels, total)
    }
}
