/// Which of many alike lines go into a log: of each topic the first ones, and then one an interval. So nobody from outside can fill it.
struct LogLimit<Topic: Hashable & Sendable>: Sendable {
    private struct Lines {
        var allowance: Allowance
        var heldBack = 0
    }

    private let fresh: Lines
    private let maximumTopics: Int
    private var lines: [Topic: Lines] = [:]
    /// Of all topics for which there is no place.
    private var others: Lines

    /// - Parameters:
    ///   - burst: lines of a topic that may be written at once.
    ///   - interval: until one more may be written, in nanoseconds; a minute unless told otherwise.
    ///   - maximumTopics: topics that are remembered. Further ones share the lines of one; those that have been quiet make room.
    init(burst: Int = 1, interval: Int64 = 60_000_000_000, maximumTopics: Int = 256) {
        fresh = Lines(allowance: Allowance(burst, oneEach: interval))
        self.maximumTopics = maximumTopics
        others = fresh
    }

    /// How many lines the one that is written now stands for: itself, and those since the last one. Nil when it is not to be written.
    ///
    /// - Parameter now: nanoseconds of a clock that never goes backwards.
    mutating func admit(_ topic: Topic, now: Int64) -> Int? {
        guard hasPlace(for: topic, now) else { return Self.admit(&others, now) }
        return Self.admit(&lines[topic, default: fresh], now)
    }

    /// Topics of which lines were held back and one may be written again, with how many that one stands for; they count as written.
    mutating func takeOverdue(now: Int64) -> [(topic: Topic, count: Int)] {
        var overdue: [(topic: Topic, count: Int)] = []
        for (topic, held) in lines where held.heldBack > 0 {
            guard lines[topic]?.allowance.take(now: now) == true else { continue }
            lines[topic]?.heldBack = 0
            overdue.append((topic, held.heldBack))
        }
        return overdue
    }

    /// Takes the number of all lines that were held back.
    mutating func takeHeldBack() -> Int {
        var count = others.heldBack
        others.heldBack = 0
        for topic in lines.keys {
            count += lines[topic]?.heldBack ?? 0
            lines[topic]?.heldBack = 0
        }
        return count
    }

    /// Topics that are remembered.
    var topics: Int { lines.count }

    private mutating func hasPlace(for topic: Topic, _ now: Int64) -> Bool {
        if lines[topic] != nil || lines.count < maximumTopics { return true }
        // A new one would be the same. Looked through no oftener than the shared lines come again.
        guard others.allowance.isFull(now: now) else { return false }
        lines = lines.filter { entry in
            var allowance = entry.value.allowance
            return entry.value.heldBack > 0 || !allowance.isFull(now: now)
        }
        return lines.count < maximumTopics
    }

    private static func admit(_ lines: inout Lines, _ now: Int64) -> Int? {
        guard lines.allowance.take(now: now) else {
            lines.heldBack += 1
            return nil
        }
        defer { lines.heldBack = 0 }
        return lines.heldBack + 1
    }
}
