/// One metric with one set of labels. Its numbers change without a lock; each is read by itself.
protocol PrometheusSeries: AnyObject, Sendable {
    var key: PrometheusKey { get }

    /// Writes the samples. `name` is that of the family, which may differ from the key's.
    func write(to text: inout PrometheusText, name: String)
}

/// What tells one series from another.
struct PrometheusKey: Hashable, Sendable {
    var family: PrometheusFamilyKey
    var labels: PrometheusLabels
}

/// What tells one family of series from another: metrics of two kinds may have one label.
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
