internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("A path that takes only small packets any more", .ownThread)
struct BlackHoleTests {
    private func time(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func `three rounds of lost large packets are a black hole, however many each has`() {
        var hole = BlackHole()
        for round in 0..<3 as Range<Int64> {
            #expect(!hole.isFound)
            for index in 0..<50 as Range<UInt32> {
                let sequence = UInt32(round) * 100 + index
                hole.lost(sequence: sequence, sentAt: time(round * 100 + 1), now: time(round * 100 + 90))
            }
        }
        #expect(hole.isFound)
        hole.wasTaken()
        #expect(!hole.isFound)
    }

    @Test func `a large packet that arrives and was sent later begins anew`() {
        var hole = BlackHole()
        for round in 0..<20 as Range<Int64> {
            hole.lost(sequence: UInt32(round) * 10, sentAt: time(round * 100 + 1), now: time(round * 100 + 90))
            if round % 2 == 1 { hole.acknowledged(sequence: UInt32(round) * 10 + 1) }
            #expect(!hole.isFound)
        }
    }

    @Test func `losses before a packet that arrived do not count`() {
        var hole = BlackHole()
        for round in 0..<20 as Range<Int64> {
            let sequence = UInt32(round) * 10
            hole.acknowledged(sequence: sequence + 1)
            hole.lost(sequence: sequence, sentAt: time(round * 100 + 1), now: time(round * 100 + 90))
        }
        #expect(!hole.isFound)
    }
}
