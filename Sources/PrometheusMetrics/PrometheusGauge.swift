internal import CoreMetrics

/// The last number that was set or recorded.
final class PrometheusGauge: MeterHandler, RecorderHandler, PrometheusSeries {
    let key: PrometheusKey
    private let number = AtomicDouble(0)

    init(_ key: PrometheusKey) { self.key = key }

    func set(_ value: Int64) { number.set(Double(value)) }
    func set(_ value: Double) { number.set(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { number.set(Double(value)) }
    func record(_ value: Double) { number.set(value) }

    func write(to text: inout PrometheusText, name: String) {
        text.sample(name, labels: key.labels.text, number.value)
    }
}
