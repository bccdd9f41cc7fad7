/// Limits similar log lines: each topic gets its first lines, and then one per interval. So nothing from outside can
/// fill the log.
struct LogLimit<Topic: Hashable & Sendable>: Sendable {
    private struct Lines {
        var allowance: Allowance
        var suppressed = 0
    }

    private let fresh: Lines
    private let maximumTopics: Int
    private var lines: [Topic: Lines] = [:]
    /// For all topics without an entry of their own.
    private var others: Lines

    /// - Parameters:
    ///   - burst: lines of a topic that may be written at once.
    ///   - interval: until one more may be written, in nanoseconds; a minute by default.
    ///   - maximumTopics: topics that are remembered. Further ones share the lines of one; quiet topics make room.
    init(burst: Int = 1, interval: Int64 = 60_000_000_000, maximumTopics: Int = 256) {
        fresh = Lines(allowance: Allowance(burst, oneEach: interval))
        self.maximumTopics = maximumTopics
        others = fresh
    }

    /// How many lines the current one represents: itself, and those suppressed since the last one. Nil if it must not
    /// be written.
    ///
    /// - Parameter now: nanoseconds of a monotonic clock.
    mutating func admit(_ topic: Topic, now: Int64) -> Int? {
        guard hasRoom(for: topic, now) else { return Self.admit(&others, now) }
        return Self.admit(&lines[topic, default: fresh], now)
    }

    /// Topics with suppressed lines for which one may be written again, with how many it represents; they count as
    /// written.
    mutating func takeOverdue(now: Int64) -> [(topic: Topic, count: Int)] {
        var overdue: [(topic: Topic, count: Int)] = []
        for (topic, held) in lines where held.suppressed > 0 {
            guard lines[topic]?.allowance.take(now: now) == true else { continue }
            lines[topic]?.suppressed = 0
            overdue.append((topic, held.suppressed))
        }
        return overdue
    }

    /// Takes the number of all suppressed lines.
    mutating func takeSuppressed() -> Int {
        var count = others.suppressed
        others.suppressed = 0
        for topic in lines.keys {
            count += lines[topic]?.suppressed ?? 0
            lines[topic]?.suppressed = 0
        }
        return count
    }

    /// Topics that are remembered.
    var topics: Int { lines.count }

    private mutating func hasRoom(for topic: Topic, _ now: Int64) -> Bool {
        if lines[topic] != nil || lines.count < maximumTopics { return true }
        // A new entry would be equal. Checked no more often than the shared lines are refilled.
        guard others.allowance.isFull(now: now) else { return false }
        lines = lines.filter { entry in
            var allowance = entry.value.allowance
            return entry.value.suppressed > 0 || !allowance.isFull(now: now)
        }
        return lines.count < maximumTopics
    }

    private static func admit(_ lines: inout Lines, _ now: Int64) -> Int? {
        guard lines.allowance.take(now: now) else {
            lines.suppressed += 1
            return nil
        }
        defer { lines.suppressed = 0 }
        return lines.suppressed + 1
    }
}
