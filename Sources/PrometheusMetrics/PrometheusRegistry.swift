package import CoreMetrics
internal import Synchronization

/// Keeps the metrics of swift-metrics and writes them in Prometheus format.
///
/// Counters are counters; meters, and recorders that do not aggregate, are gauges; aggregating recorders and timers are
/// histograms with fixed buckets, timers in seconds. Dots in a label, and other characters that Prometheus does not
/// allow, become underscores.
///
/// Counting and recording take no lock and allocate nothing. Creating and destroying metrics take one, and so does
/// ``text(_:)``.
///
///     let registry = PrometheusRegistry()
///     MetricsSystem.bootstrap(registry)
package final class PrometheusRegistry: MetricsFactory {
    /// Most series. Labels may come from outside, so they must be bounded; a scrape of this many takes some megabytes.
    package static let defaultSeriesLimit = 10_000
    /// Counts the series that had no room; their values are not recorded.
    static let refusedName = "metrics_series_refused_total"

    private struct Entry {
        let series: any PrometheusSeries
        /// How often it was created and not destroyed: creating the same metric again shares its numbers.
        var uses: Int
    }

    private struct Family {
        /// With a suffix if another family has the name.
        let name: String
        var entries: [PrometheusLabels: Entry] = [:]
    }

    private struct State {
        var families: [PrometheusFamilyKey: Family] = [:]
        /// Every name of samples, including those of histograms.
        var sampleNames: Set<String> = [PrometheusRegistry.refusedName]
        var count = 0
        var refused: UInt64 = 0

        /// A name for the family such that its samples' names collide with no other family's.
        mutating func claimName(for family: PrometheusFamilyKey) -> String {
            var name = family.name
            var isFirst = true
            while !sampleNames.isDisjoint(with: family.kind.sampleNames(name)) {
                name += isFirst ? "_\(family.kind.rawValue)" : "_"
                isFirst = false
            }
            sampleNames.formUnion(family.kind.sampleNames(name))
            return name
        }
    }

    private let state = Mutex(State())
    private let seriesLimit: Int

    package init(seriesLimit: Int = PrometheusRegistry.defaultSeriesLimit) { self.seriesLimit = seriesLimit }

    /// All numbers in Prometheus text format, version 0.0.4, sorted by name and labels.
    ///
    /// - Parameter readings: numbers that the registry does not count. They come first, in their order, and must have
    ///   names of their own.
    package func text(_ readings: [PrometheusReading] = []) -> String {
        let (families, refused) = state.withLock { state in
            let families = state.families.map { key, family in
                (family.name, key.kind.exposed, family.entries.values.map(\.series))
            }
            return (families, state.refused)
        }
        var text = PrometheusText()
        for reading in readings { reading.write(to: &text) }
        // A registry without metrics cannot have refused a series.
        if !readings.isEmpty, families.isEmpty, refused == 0 { return text.description }
        for (name, kind, series) in families.sorted(by: { $0.0 < $1.0 }) {
            text.family(name, kind)
            for one in series.sorted(by: { $0.key.labels.text < $1.key.labels.text }) {
                one.write(to: &text, name: name)
            }
        }
        PrometheusReading.counter(
            PrometheusRegistry.refusedName,
            "Series beyond the limit, which are not here.",
            Double(refused)
        ).write(to: &text)
        return text.description
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(.counter, label, dimensions) { PrometheusCounter($0) }
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        make(.counter, label, dimensions) { PrometheusCounter($0) }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        make(.gauge, label, dimensions) { PrometheusGauge($0) }
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        if !aggregate { return make(.gauge, label, dimensions) { PrometheusGauge($0) } }
        return make(.distribution, label, dimensions) {
            PrometheusHistogram($0, bounds: PrometheusHistogram.distributionBounds)
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make(.timer, label, dimensions) { PrometheusHistogram($0, bounds: PrometheusHistogram.timerBounds) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

    private func make<Series: PrometheusSeries>(
        _ kind: PrometheusFamilyKey.Kind,
        _ label: String,
        _ dimensions: [(String, String)],
        _ create: (PrometheusKey) -> Series
    ) -> Series {
        let family = PrometheusFamilyKey(kind: kind, name: PrometheusName.sanitized(label))
        let reserved = kind.exposed == .histogram ? "le" : nil
        let key = PrometheusKey(family: family, labels: PrometheusLabels(dimensions, reserved: reserved))
        return state.withLock { state in
            if var entry = state.families[family]?.entries[key.labels], let series = entry.series as? Series {
                entry.uses += 1
                state.families[family]?.entries[key.labels] = entry
                return series
            }
            let series = create(key)
            guard state.count < seriesLimit else {
                state.refused += 1
                return series
            }
            if state.families[family] == nil { state.families[family] = Family(name: state.claimName(for: family)) }
            state.families[family]?.entries[key.labels] = Entry(series: series, uses: 1)
            state.count += 1
            return series
        }
    }

    private func destroy(_ handler: AnyObject) {
        guard let series = handler as? any PrometheusSeries else { return }
        let key = series.key
        state.withLock { state in
            // A series that was refused, or belongs to another registry, is not here.
            guard var entry = state.families[key.family]?.entries[key.labels], entry.series === series else { return }
            entry.uses -= 1
            state.families[key.family]?.entries[key.labels] = entry.uses == 0 ? nil : entry
            if entry.uses > 0 { return }
            state.count -= 1
            guard let family = state.families[key.family], family.entries.isEmpty else { return }
            state.families[key.family] = nil
            state.sampleNames.subtract(key.family.kind.sampleNames(family.name))
        }
    }
}

extension PrometheusFamilyKey.Kind {
    /// Every name that a family of that kind uses in a sample or after `# TYPE`.
    fileprivate func sampleNames(_ name: String) -> [String] {
        exposed == .histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name]
    }
}
