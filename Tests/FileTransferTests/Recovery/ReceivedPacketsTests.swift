internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Received packets", .ownThread)
struct ReceivedPacketsTests {
    private static let start = Instant(nanoseconds: 0)

    private static func received(_ numbers: some Sequence<UInt64>) -> ReceivedPackets {
        var received = ReceivedPackets()
        for number in numbers { _ = received.record(number, elicits: true, isUrgent: false, now: start) }
        return received
    }

    @Test func `packets in order are one range`() throws {
        var received = Self.received(0...999)
        #expect(try received.named() == [0...999])
        #expect(received.next == 1_000)
    }

    @Test func `late packets close gaps, and each packet is new once`() throws {
        var received = ReceivedPackets()
        let numbers: [UInt64] = [5, 0, 2, 1, 9, 8, 3, 4, 7, 6]
        for number in numbers {
            let new1 = received.record(number, elicits: true, isUrgent: false, now: Self.start)
            #expect(new1)
            let isNew = received.record(number, elicits: true, isUrgent: false, now: Self.start)
            #expect(!isNew)
        }
        #expect(try received.named() == [0...9])
    }

    @Test func `ranges are those of a set, whatever order packets come in`() throws {
        for seed in 0..<300 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var received = ReceivedPackets()
            var known: Set<UInt64> = []
            for _ in 0..<120 {
                let number = UInt64.random(in: 0..<200, using: &generator)
                let isNew = received.record(number, elicits: false, isUrgent: false, now: Self.start)
                #expect(isNew == known.insert(number).inserted)
            }
            let named = try received.named()
            #expect(Set(named.flatMap(Array.init)) == known)
            #expect(zip(named, named.dropFirst()).allSatisfy { $0.lowerBound > $1.upperBound + 1 })
        }
    }

    @Test func `with more than 255 gaps the lowest packets are dropped`() throws {
        var received = Self.received(stride(from: 0, to: 2_000, by: 2))
        let named = try received.named()
        #expect(named.count == 256)
        #expect(named.first == 1_998...1_998)
        #expect(named.last == 1_488...1_488)
        // A late packet below them would be the lowest range: it is not kept.
        let new2 = received.record(7, elicits: true, isUrgent: false, now: Self.start)
        #expect(new2)
        #expect(try received.named().last == 1_488...1_488)
        // One above takes the place of the lowest one.
        var wide = Self.received(stride(from: 0, to: 1_024, by: 4))
        let new3 = wide.record(1_018, elicits: true, isUrgent: false, now: Self.start)
        #expect(new3)
        #expect(try wide.named().last == 4...4)
        #expect(try wide.named().count == 256)
    }

    @Test func `an ACK has as many gaps as there is room for`() throws {
        var received = Self.received(stride(from: 0, to: 100, by: 2))
        #expect(try received.named().count == 50)
        #expect(try received.named(room: 13) == [98...98])
        #expect(try received.named(room: 13 + 4 + 3) == [98...98, 96...96])
        #expect(try received.named(room: 13 + 8) == [98...98, 96...96, 94...94])
    }

    @Test func `a range is in sixteen ACKs after it has changed`() throws {
        var received = Self.received([0, 2, 4])
        for _ in 0..<15 { #expect(try received.named() == [4...4, 2...2, 0...0]) }
        _ = received.record(1, elicits: true, isUrgent: false, now: Self.start)
        for _ in 0..<16 { #expect(try received.named() == [4...4, 0...2]) }
        #expect(try received.named() == [4...4])
        // Below a changed one are those that did not change, above it all.
        _ = received.record(6, elicits: true, isUrgent: false, now: Self.start)
        #expect(try received.named() == [6...6])
        _ = received.record(3, elicits: true, isUrgent: false, now: Self.start)
        #expect(try received.named() == [6...6, 0...4])
    }

    @Test func `a late packet makes its range news, whichever side it touches`() throws {
        let cases: [(numbers: [UInt64], late: UInt64, range: ClosedRange<UInt64>)] = [
            ([0, 5, 9], 4, 4...5), ([0, 5, 9], 6, 5...6), ([0, 4, 6, 9], 5, 4...6), ([0, 9], 4, 4...4),
        ]
        for (numbers, late, range) in cases {
            var received = Self.received(numbers)
            for _ in 0..<16 { _ = received.payload(now: Self.start) }
            #expect(try received.named() == [9...9])
            _ = received.record(late, elicits: true, isUrgent: false, now: Self.start)
            #expect(try received.named() == [9...9, range])
        }
    }

    @Test func `gaps and ranges beyond 16 bits end an ACK`() throws {
        var gap = Self.received([0, 65_538])
        #expect(try gap.named() == [65_538...65_538])
        gap = Self.received([0, 65_537])
        #expect(try gap.named() == [65_537...65_537, 0...0])
        var run = Self.received([0])
        for number in 2...70_000 as ClosedRange<UInt64> {
            _ = run.record(number, elicits: false, isUrgent: false, now: Self.start)
        }
        _ = run.record(70_002, elicits: false, isUrgent: false, now: Self.start)
        // The top 65 536 of the lower range, and nothing below it.
        #expect(try run.named() == [70_002...70_002, 4_465...70_000])
    }

    @Test func `what the peer knows is forgotten, and late packets still count`() throws {
        var received = Self.received(Array(0...9) + Array(12...20) + [25])
        _ = received.payload(now: Self.start)
        received.forget(through: 15)
        #expect(try received.named() == [25...25, 16...20])
        received.forget(through: 14)
        #expect(try received.named() == [25...25, 16...20])
        let new4 = received.record(11, elicits: true, isUrgent: false, now: Self.start)
        #expect(new4)
        #expect(try received.named() == [25...25, 16...20, 11...11])
        received.forget(through: 25)
        #expect(received.isEmpty)
        let nothing = received.payload(now: Self.start)
        #expect(nothing == nil)
        let new5 = received.record(26, elicits: true, isUrgent: false, now: Self.start)
        #expect(new5)
        #expect(try received.named() == [26...26])
        #expect(received.next == 27)
    }

    @Test func `a late packet that no ACK has named yet is not forgotten`() throws {
        var received = Self.received([0, 1, 3])
        #expect(try received.named() == [3...3, 0...1])
        _ = received.record(2, elicits: true, isUrgent: false, now: Self.start)
        received.forget(through: 3)
        #expect(try received.named() == [2...3])
        received.forget(through: 3)
        #expect(received.isEmpty)
        // Even if it is the first of all.
        var early = Self.received([1])
        _ = early.payload(now: Self.start)
        _ = early.record(0, elicits: true, isUrgent: false, now: Self.start)
        early.forget(through: 1)
        #expect(try early.named() == [0...1])
    }

    @Test func `the delay is that since the highest packet, in microseconds`() throws {
        var received = ReceivedPackets()
        _ = received.record(1, elicits: true, isUrgent: false, now: .milliseconds(10))
        _ = received.record(0, elicits: true, isUrgent: false, now: .milliseconds(12))
        let first = received.payload(now: .milliseconds(13.5))
        let payload = try #require(first)
        let delay = try AcknowledgedRanges(payload.span.bytes, hasCounts: false, next: 2).delay
        #expect(delay == 3_500_000)
        // A time that does not fit.
        let second = received.payload(now: .milliseconds(5_000_000))
        let late = try #require(second)
        let longest = try AcknowledgedRanges(late.span.bytes, hasCounts: false, next: 2).delay
        #expect(longest == 4_294_967_295_000)
    }

    @Test func `the highest possible number is ignored`() {
        var received = ReceivedPackets()
        let new6 = received.record(.max - 1, elicits: true, isUrgent: false, now: Self.start)
        #expect(new6)
        let isNew = received.record(.max, elicits: true, isUrgent: false, now: Self.start)
        #expect(!isNew)
    }

    @Test func `a list of ranges that has been full allocates nothing`() {
        var ranges = ReceivedRanges()
        for number in stride(from: 0, to: 2_000, by: 2) as StrideTo<UInt64> { _ = ranges.insert(number) }
        let capacity = ranges.runs.capacity
        for number in stride(from: 2_000, to: 100_000, by: 3) as StrideTo<UInt64> {
            _ = ranges.insert(number)
            _ = ranges.insert(number - 5)
        }
        #expect(ranges.runs.capacity == capacity)
    }
}
