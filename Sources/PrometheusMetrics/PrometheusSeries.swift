/// One metric with one set of labels. Its numbers change without a lock; each is read on its own.
protocol PrometheusSeries: AnyObject, Sendable {
    var key: PrometheusKey { get }

    /// Writes the samples. `name` is the family's, which may differ from the key's.
    func write(to text: inout PrometheusText, name: String)
}

/// Identifies a series.
struct PrometheusKey: Hashable, Sendable {
    var family: PrometheusFamilyKey
    var labels: PrometheusLabels
}

/// Identifies a family of series: metrics of two kinds may share one label.
struct PrometheusFamilyKey: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case counter, gauge
        /// A histogram of seconds.
        case timer
        /// A histogram of numbers of any size.
        case distribution

        var exposed: PrometheusText.Kind {
            switch self {
            case .counter: .counter
            case .gauge: .gauge
            case .timer, .distribution: .histogram
            }
        }
    }

    var kind: Kind
    var name: String
}
