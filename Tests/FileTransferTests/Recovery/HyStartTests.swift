internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("HyStart++", .ownThread)
struct HyStartTests {
    /// A round of so many ACKs, each with this time in milliseconds. Returns whether slow start has ended.
    private static func round(_ hyStart: inout HyStart, _ time: Double, count: Int = 8) -> Bool {
        var ends = false
        for index in 0..<count {
            if hyStart.update(latest: Int64(time * 1e6), startsRound: index == 0) { ends = true }
        }
        return ends
    }

    /// Whether a growth of the time from one round to the next ends normal slow start.
    private static func isNoticed(from first: Double, to second: Double, count: Int = 8) -> Bool {
        var hyStart = HyStart()
        _ = round(&hyStart, first)
        _ = round(&hyStart, second, count: count)
        return hyStart.isConservative
    }

    @Test func `growth by an eighth of the time is noticed, from 4 to 16 ms`() {
        #expect(!Self.isNoticed(from: 80, to: 89.9))
        #expect(Self.isNoticed(from: 80, to: 90))
        #expect(!Self.isNoticed(from: 10, to: 13.9))
        #expect(Self.isNoticed(from: 10, to: 14))
        #expect(!Self.isNoticed(from: 400, to: 415.9))
        #expect(Self.isNoticed(from: 400, to: 416))
    }

    @Test func `a round needs eight samples`() {
        #expect(!Self.isNoticed(from: 80, to: 200, count: 7))
        #expect(Self.isNoticed(from: 80, to: 200, count: 8))
    }

    @Test func `the least time of a round counts`() {
        var hyStart = HyStart()
        _ = Self.round(&hyStart, 80)
        _ = hyStart.update(latest: 80_000_000, startsRound: true)
        for _ in 0..<20 { _ = hyStart.update(latest: 200_000_000, startsRound: false) }
        #expect(!hyStart.isConservative)
    }

    @Test func `slow start ends after five conservative rounds`() {
        var hyStart = HyStart()
        #expect(!Self.round(&hyStart, 50))
        for _ in 0..<5 {
            #expect(!Self.round(&hyStart, 60))
            #expect(hyStart.isConservative)
        }
        #expect(Self.round(&hyStart, 60))
    }

    @Test func `slow start goes on as before if the time falls again`() {
        var hyStart = HyStart()
        _ = Self.round(&hyStart, 50)
        _ = Self.round(&hyStart, 60)
        #expect(hyStart.isConservative)
        _ = Self.round(&hyStart, 59.9)
        #expect(!hyStart.isConservative)
        for _ in 0..<20 { #expect(!Self.round(&hyStart, 59.9)) }
    }

    @Test func `an ACK without a measurement changes nothing`() {
        var hyStart = HyStart()
        _ = Self.round(&hyStart, 50)
        for index in 0..<20 {
            let ends = hyStart.update(latest: nil, startsRound: index == 0)
            #expect(!ends)
        }
        #expect(!hyStart.isConservative)
    }
}
