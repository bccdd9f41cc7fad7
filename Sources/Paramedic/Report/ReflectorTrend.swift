internal import LinkMeasurement
internal import Operations

/// The examinations of one reflector in the order of time. Two reflectors mean two links: no trend spans both. A figure
/// that was not measured is nil, never zero.
struct ReflectorTrend {
    /// Its last name; with the beginning of its Endpoint ID if another reflector had the same name.
    let name: String
    let oldestFirst: [Examination]

    /// One for each Endpoint ID, that of the newest examination first.
    static func all(of examinations: some Sequence<Examination>) -> [ReflectorTrend] {
        let newestFirst = examinations.sorted { $0.startedAt > $1.startedAt }
        var ids: [String] = []
        var byID: [String: [Examination]] = [:]
        for examination in newestFirst {
            if byID[examination.reflector.id] == nil { ids.append(examination.reflector.id) }
            byID[examination.reflector.id, default: []].append(examination)
        }
        func lastName(_ id: String) -> String { (byID[id]?.first?.reflector.name ?? "").printable(limit: 48) }
        let names = ids.map(lastName)
        return zip(ids, names).map { id, name in
            let isShared = names.count { $0 == name } > 1
            return ReflectorTrend(
                name: isShared ? "\(name) (\(id.prefix(12).description.printable(limit: 12))…)" : name,
                oldestFirst: (byID[id] ?? []).reversed()
            )
        }
    }

    /// Bits per second.
    var downloads: [Double?] { oldestFirst.map { Self.rate($0.download, .down) } }
    /// Bits per second.
    var uploads: [Double?] { oldestFirst.map { Self.rate($0.upload, .up) } }

    /// Nil for a test that was cut in its first half, or shorter than a second: its rate is that of TCP's slow start.
    private static func rate(_ result: ThroughputResult?, _ direction: ThroughputDirection.Direction) -> Double? {
        guard let result, let moved = result[direction] else { return nil }
        let least = max(VerdictThresholds.shortestTestSec * 0.8, Double(result.askedSec ?? 0) / 2)
        return moved.durationSec < least ? nil : moved.bitsPerSecond
    }

    /// The median of the downloads before the last; for two downloads, their midpoint.
    var usualDownload: Double? {
        let sorted = downloads.dropLast().compactMap { $0 }.sorted()
        guard !sorted.isEmpty else { return nil }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    /// Medians without load, in milliseconds.
    var roundTrips: [Double?] { oldestFirst.map { $0.latency?.rtt?.p50 } }
    /// The largest median of the phases with load, in milliseconds; nil if a phase is missing, which may be the worst.
    var roundTripsUnderLoad: [Double?] {
        oldestFirst.map { examination in
            guard let bufferbloat = examination.bufferbloat, bufferbloat.notMeasured == nil else { return nil }
            return bufferbloat.phases.filter { $0.phase != .idle }.compactMap { $0.latency.rtt?.p50 }.max()
        }
    }
}
