internal import CoreMetrics
internal import Synchronization

/// A number that only grows, in integer and other steps. It wraps after 2⁶⁴ integer steps.
///
/// Negative and non-finite amounts are dropped: to a reader, a falling counter means a restart.
final class PrometheusCounter: CounterHandler, FloatingPointCounterHandler, PrometheusSeries {
    let key: PrometheusKey
    private let whole = Atomic<UInt64>(0)
    private let rest = AtomicDouble(0)

    init(_ key: PrometheusKey) { self.key = key }

    func increment(by amount: Int64) {
        if amount > 0 { whole.wrappingAdd(UInt64(amount), ordering: .relaxed) }
    }

    func increment(by amount: Double) {
        if amount > 0, amount.isFinite { rest.add(amount) }
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        rest.set(0)
    }

    func write(to text: inout PrometheusText, name: String) {
        let whole = whole.load(ordering: .relaxed)
        let rest = rest.value
        if rest == 0 {
            text.sample(name, labels: key.labels.text, whole)
        } else {
            text.sample(name, labels: key.labels.text, Double(whole) + rest)
        }
    }
}
