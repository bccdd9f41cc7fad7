internal import Cryptography
internal import OwnThread
internal import Testing

/// What the window must do, with a set of numbers.
private struct WindowModel {
    private var inserted: Set<UInt64> = []
    private(set) var highest: UInt64?

    func check(_ number: UInt64) -> ReplayWindow.Verdict {
        if let highest, number < highest, highest - number > 8192 { return .tooOld }
        return inserted.contains(number) ? .replayed : .fresh
    }

    mutating func insert(_ number: UInt64) {
        guard check(number) != .tooOld else { return }
        inserted.insert(number)
        highest = max(highest ?? 0, number)
    }
}

@Suite("Replay window", .ownThread)
struct ReplayWindowTests {
    /// The lengths of steps and of reordering that meet all branches, and where they start.
    @Test(arguments: [1, 2, 63, 64, 65, 300, 8191, 8192, 8193, 20_000] as [UInt64], [0, 1 << 32, .max - 500_000])
    func `a window agrees with a set of numbers, however they are reordered`(_ reach: UInt64, _ start: UInt64) {
        var random = RandomBytes(seed: reach &+ start)
        var window = ReplayWindow()
        var model = WindowModel()
        var next = start
        var inserted: [UInt64] = []
        var verdicts: [ReplayWindow.Verdict: Int] = [:]
        for step in 0..<20_000 {
            let number =
                switch UInt64.random(in: 0..<256, using: &random) {
                case 0: next + min(UInt64.max - next, UInt64.random(in: 0...reach, using: &random))
                case 1..<96: next
                case 96..<160: inserted.suffix(200).randomElement(using: &random) ?? next
                default: next - min(next, UInt64.random(in: 0...(reach + 50), using: &random))
                }
            let verdict = window.check(number)
            verdicts[verdict, default: 0] += 1
            guard verdict == model.check(number) else {
                Issue.record("\(number) of \(next): \(verdict), must be \(model.check(number))")
                return
            }
            // Some are checked and, as if they were not authentic, not inserted.
            if step % 16 == 9 { continue }
            window.insert(number)
            model.insert(number)
            inserted.append(number)
            if number >= next { next = number == .max ? .max : number + 1 }
            #expect(window.highest == model.highest)
        }
        #expect(verdicts[.fresh, default: 0] > 1000 && verdicts[.replayed, default: 0] > 1000)
        if reach >= 8193, start < .max / 2 { #expect(verdicts[.tooOld, default: 0] > 100) }
    }

    @Test func `a window reaches 8192 numbers below the highest one and no further`() {
        var window = ReplayWindow()
        #expect(window.check(0) == .fresh && window.highest == nil)
        window.insert(10_000)
        #expect(window.check(10_000) == .replayed)
        #expect(window.check(10_000 - 8192) == .fresh)
        #expect(window.check(10_000 - 8193) == .tooOld)
        window.insert(10_000 - 8192)
        #expect(window.check(10_000 - 8192) == .replayed)
        // Shares its bit with the highest one.
        #expect(window.check(10_000 + 8192) == .fresh)
        window.insert(10_001)
        #expect(window.check(10_000 - 8192) == .tooOld)
        #expect(window.check(10_000) == .replayed)
        #expect(window.highest == 10_001)
    }

    @Test func `a step of exactly the window keeps the old highest number, and one more drops it`() {
        for (step, verdict) in [(UInt64(8191), .replayed), (8192, .replayed), (8193, .tooOld)]
            as [(UInt64, ReplayWindow.Verdict)]
        {
            var window = ReplayWindow()
            for number in 0...9000 as ClosedRange<UInt64> { window.insert(number) }
            window.insert(9000 + step)
            #expect(window.check(9000) == verdict)
            #expect(window.check(9001) == .fresh)
            #expect(window.check(9000 + step - 1) == .fresh)
        }
    }

    @Test func `a step over missing numbers keeps all that are still in the window`() {
        for step in 1...200 as ClosedRange<UInt64> {
            var window = ReplayWindow()
            for number in 0...9000 as ClosedRange<UInt64> { window.insert(number) }
            let highest = 9000 + step
            window.insert(highest)
            #expect((highest - 8192...9000).allSatisfy { window.check($0) == .replayed }, "\(step)")
            #expect((9001..<highest).allSatisfy { window.check($0) == .fresh }, "\(step)")
            #expect(window.check(highest - 8193) == .tooOld && window.check(highest) == .replayed)
        }
    }

    @Test func `a window takes the highest of all numbers`() {
        var window = ReplayWindow()
        window.insert(.max - 1)
        window.insert(.max)
        #expect(window.check(.max) == .replayed && window.check(.max - 1) == .replayed)
        #expect(window.check(.max - 2) == .fresh && window.check(0) == .tooOld)
    }

    @Test func `a number below the window changes nothing when it is inserted`() {
        var window = ReplayWindow()
        window.insert(20_000)
        // Both have the bits of numbers in the window.
        window.insert(19_999 - 8192)
        window.insert(19_990 - 8192)
        #expect(window.check(19_999) == .fresh && window.check(19_990) == .fresh)
    }
}
