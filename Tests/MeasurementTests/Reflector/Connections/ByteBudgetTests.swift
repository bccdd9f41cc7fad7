internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Budget of bytes")
struct ByteBudgetTests {
    private static let second: UInt64 = 1_000_000_000

    /// What asks a budget changes it, which the macro does not take.
    private func expect(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isTrue, sourceLocation: sourceLocation)
    }

    @Test func `a burst at once, then the rate, and what was moved beyond it is owed`() {
        var budget = ByteBudget(rate: 100, burst: 1_000, now: 5)
        expect(budget.wait(at: 5) == 0)
        budget.charge(999, at: 5)
        expect(budget.wait(at: 5) == 0)
        budget.charge(301, at: 5)
        // 300 are owed, and one must be there.
        expect(budget.wait(at: 5) == 3_010_000_000)
        expect(budget.wait(at: 5 + Self.second) == 2_010_000_000)
        expect(budget.wait(at: 5 + 4 * Self.second) == 0)
        expect(!budget.isFull(at: 5 + 4 * Self.second))
        expect(budget.isFull(at: 60 * Self.second))
    }

    @Test func `however often and at whatever times it is asked, no more than burst and rate is let through`() {
        var generator = SplitMix(state: 7)
        var budget = ByteBudget(rate: 1_000, burst: 10_000, now: 0)
        var (now, moved): (UInt64, Int) = (0, 0)
        while now < 1_000 * Self.second {
            if budget.wait(at: now) == 0 {
                let bytes = Int.random(in: 1...5_000, using: &generator)
                budget.charge(bytes, at: now)
                moved += bytes
            }
            now += UInt64.random(in: 1...2_000_000_000, using: &generator)
        }
        #expect(moved <= 10_000 + 1_000 * 1_002 + 5_000)
        #expect(moved >= 900_000)
    }

    @Test func `a clock that stands still or jumps, and numbers at the edges, do no harm`() {
        var budget = ByteBudget(rate: 0, burst: 0, now: .max)
        budget.charge(.max, at: 0)
        budget.charge(.max, at: .max)
        expect(budget.wait(at: .max) > 0)
        var full = ByteBudget(rate: .max, burst: .max, now: 0)
        full.charge(.max, at: 0)
        expect(full.wait(at: .max) == 0)
    }
}
