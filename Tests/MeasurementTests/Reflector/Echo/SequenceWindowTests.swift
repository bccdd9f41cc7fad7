internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct SequenceWindowTests {
    @Test func `ordinary traffic is classified`() {
        var window = SequenceWindow()
        #expect(
            [0, 1, 3, 2, 3, 2, 4].map { window.record($0) } == [
                .new, .new, .new, .reordered, .duplicate, .duplicate, .new,
            ]
        )
        #expect(window.highest == 4)
    }

    @Test func `sequence numbers at both ends of the range are legal`() {
        var window = SequenceWindow()
        #expect(window.record(.max) == .new)
        #expect(window.record(.max) == .duplicate)
        #expect(window.record(.max - 1) == .reordered)
        #expect(window.record(0) == .tooOld)
        var fromZero = SequenceWindow()
        #expect(fromZero.record(0) == .new)
        #expect(fromZero.record(.max) == .new)
        #expect(fromZero.record(.max - SequenceWindow.size + 1) == .reordered)
        #expect(fromZero.record(.max - SequenceWindow.size) == .tooOld)
    }

    @Test func `a jump leaves no old marks behind`() {
        for jump in [1, 63, 64, 65, 127, 4096, SequenceWindow.size - 1, SequenceWindow.size, SequenceWindow.size + 1] {
            var window = SequenceWindow()
            for sequence in 0..<200 as Range<UInt64> { _ = window.record(sequence) }
            #expect(window.record(199 + jump) == .new)
            let between = min(jump, SequenceWindow.size)
            for back in 1..<between where back < 300 { #expect(window.record(199 + jump - back) == .reordered) }
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `it agrees with a set of everything seen`(seed: UInt64) {
        var window = SequenceWindow()
        var seen: Set<UInt64> = []
        var highest: UInt64?
        var state = seed
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let base = highest ?? 100_000
            let sequence = base &+ (state >> 33) % 200_000 &- 150_000
            let expected: SequenceWindow.Arrival
            if highest.map({ sequence > $0 }) ?? true {
                expected = .new
            } else if base - sequence >= SequenceWindow.size {
                expected = .tooOld
            } else {
                expected = seen.contains(sequence) ? .duplicate : .reordered
            }
            #expect(window.record(sequence) == expected)
            if expected != .tooOld { seen.insert(sequence) }
            highest = max(base, sequence)
            if expected == .new { highest = sequence }
        }
    }
}

@Suite struct PacketRateTests {
    private static let second: Int64 = 1_000_000_000

    /// How many of a flood, one each 10 microseconds for two seconds, get through.
    private func flood(_ packetsPerSecond: Int) -> Int {
        var rate = PacketRate(packetsPerSecond: packetsPerSecond)
        return stride(from: 0, to: 2 * Self.second, by: 10_000).count { rate.admit(at: $0) }
    }

    @Test(arguments: [1, 9, 100, 10_000])
    func `a flood gets the rate and a tenth of a second more`(packetsPerSecond: Int) {
        let through = self.flood(packetsPerSecond)
        #expect(through >= 2 * packetsPerSecond)
        #expect(through <= 2 * packetsPerSecond + max(1, packetsPerSecond / 10) + 1)
    }

    @Test func `an honest sender loses nothing, and a burst is allowed`() {
        var rate = PacketRate(packetsPerSecond: 1000)
        #expect((0..<5000).allSatisfy { rate.admit(at: Int64($0) * 1_000_000) })
        let later = 10 * Self.second
        #expect((0..<100).allSatisfy { _ in rate.admit(at: later) })
        let afterwards = [later, later + 1_000_000].map { rate.admit(at: $0) }
        #expect(afterwards == [false, true])
    }

    @Test func `zero and negative rates let nothing through`() {
        #expect(self.flood(0) == 0)
        #expect(self.flood(-5) == 0)
        #expect(self.flood(.max) == 200_000)
    }
}
