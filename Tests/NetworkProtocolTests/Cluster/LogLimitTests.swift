import Testing

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
}
