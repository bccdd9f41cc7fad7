internal import Testing

@testable import NetworkProtocol

@Suite("Lines of a log that come again and again")
struct LogLimitTests {
    private static let second: Int64 = 1_000_000_000

    @Test func `the first of a topic is written, then one a minute, which says for how many it stands`() {
        var limit = LogLimit<String>()
        #expect(limit.admit("one", now: -5) == 1)
        let within = (0..<1_000).map { limit.admit("one", now: $0 * Self.second / 20) }
        #expect(within.allSatisfy { $0 == nil })
        #expect(limit.admit("two", now: 30 * Self.second) == 1)
        #expect(limit.admit("one", now: 60 * Self.second) == 1_001)
        #expect(limit.admit("one", now: 120 * Self.second - 1) == nil)
        #expect(limit.admit("one", now: 120 * Self.second) == 2)
        #expect(limit.admit("two", now: 90 * Self.second) == 1)
    }

    @Test func `so many may come at once, and then one an interval, and what was held back is summed up`() {
        var limit = LogLimit<String>(burst: 3, interval: Self.second)
        #expect((0..<1_000).compactMap { _ in limit.admit("one", now: 0) } == [1, 1, 1])
        #expect(limit.takeOverdue(now: Self.second - 1).isEmpty)
        let overdue = limit.takeOverdue(now: Self.second)
        #expect(overdue.map(\.topic) == ["one"] && overdue.map(\.count) == [997])
        #expect(limit.admit("one", now: Self.second) == nil)
        #expect(limit.takeSuppressed() == 1 && limit.takeSuppressed() == 0)
        // As many as at first, and no more, after any time.
        let later = 3_600 * Self.second
        #expect(limit.takeOverdue(now: later).isEmpty)
        #expect((0..<10).compactMap { _ in limit.admit("one", now: later) } == [1, 1, 1])
    }

    @Test func `topics without end share the lines of one, and those that are quiet make room`() {
        var limit = LogLimit<Int>(burst: 2, interval: Self.second, maximumTopics: 4)
        let written = (0..<10_000).flatMap { topic in (0..<3).compactMap { _ in limit.admit(topic, now: 0) } }
        #expect(written == [Int](repeating: 1, count: 10) && limit.topics == 4)
        #expect(limit.takeSuppressed() == 30_000 - 10)
        let later = 60 * Self.second
        #expect(limit.admit(10_001, now: later) == 1 && limit.topics == 1)
    }
}
