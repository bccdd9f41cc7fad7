internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Parsing an ACK", .ownThread)
struct AcknowledgedRangesTests {
    @Test func `the bytes of an ACK with two gaps are those of the document`() throws {
        let bytes: [UInt8] = [
            0x00, 0x00, 0x00, 0x64,  // largest 100
            0x00, 0x00, 0x03, 0xe8,  // 1000 µs
            0x02,  // gaps
            0x00, 0x00, 0x00, 0x0a,  // 90…100
            0x00, 0x04, 0x00, 0x00,  // five are missing, then 84
            0x00, 0x00, 0x00, 0x02,  // one is missing, then 80…82
        ]
        #expect(AcknowledgmentPayload.bytes([90...100, 84...84, 80...82], delay: 1_000) == bytes)
        #expect(try AcknowledgmentPayload.ranges(bytes, next: 101) == [90...100, 84...84, 80...82])
        let parsed = try AcknowledgedRanges(bytes.span.bytes, hasCounts: false, next: 200)
        #expect(parsed.largest == 100)
        #expect(parsed.delay == 1_000_000)
    }

    @Test func `any other length than the count of gaps says is an error`() throws {
        let bytes = AcknowledgmentPayload.bytes([90...100, 84...84, 80...82])
        for length in 0..<bytes.count {
            let failure = AcknowledgmentFailure.length(length, expected: length < 13 ? 13 : bytes.count)
            #expect(throws: failure) { try AcknowledgmentPayload.ranges(Array(bytes.prefix(length)), next: 101) }
        }
        #expect(throws: AcknowledgmentFailure.length(22, expected: 21)) {
            try AcknowledgmentPayload.ranges(bytes + [0], next: 101)
        }
        #expect(throws: AcknowledgmentFailure.length(21, expected: 33)) {
            try AcknowledgmentPayload.ranges(bytes, counts: true, next: 101)
        }
        let counted = AcknowledgmentPayload.bytes([90...100, 84...84, 80...82], counts: true)
        #expect(try AcknowledgmentPayload.ranges(counted, counts: true, next: 101) == [90...100, 84...84, 80...82])
    }

    @Test func `ranges may reach down to 0 and not further`() throws {
        #expect(try AcknowledgmentPayload.ranges(AcknowledgmentPayload.bytes([0...5]), next: 6) == [0...5])
        #expect(
            try AcknowledgmentPayload.ranges(AcknowledgmentPayload.bytes([5...5, 0...2]), next: 6) == [5...5, 0...2]
        )
        var bytes = AcknowledgmentPayload.bytes([0...5])
        bytes[12] = 6
        #expect(throws: AcknowledgmentFailure.belowZero) { try AcknowledgmentPayload.ranges(bytes, next: 6) }
        // One number too many in the lower range, and a gap that leaves no room for it.
        bytes = AcknowledgmentPayload.bytes([5...5, 0...2])
        bytes[16] = 3
        #expect(throws: AcknowledgmentFailure.belowZero) { try AcknowledgmentPayload.ranges(bytes, next: 6) }
        bytes = AcknowledgmentPayload.bytes([5...5, 0...0])
        bytes[14] += 1
        #expect(throws: AcknowledgmentFailure.belowZero) { try AcknowledgmentPayload.ranges(bytes, next: 6) }
    }

    @Test func `a packet that was never sent is an error`() {
        let bytes = AcknowledgmentPayload.bytes([100...100])
        #expect(throws: AcknowledgmentFailure.neverSent(100)) { try AcknowledgmentPayload.ranges(bytes, next: 100) }
        #expect(throws: Never.self) { try AcknowledgmentPayload.ranges(bytes, next: 101) }
    }

    @Test func `a number expands to the one nearest to the next packet`() {
        let expansions: [(low: UInt32, next: UInt64, number: UInt64)] = [
            (0, 0, 0), (7, 8, 7), (7, 0, 7),
            // Below 0 there is nothing.
            (0xffff_ffff, 0, 0xffff_ffff), (0x9000_0000, 5, 0x9000_0000),
            (0xffff_ffff, 0x1_0000_0000, 0xffff_ffff), (0, 0xffff_ffff, 0x1_0000_0000),
            (0xffff_fffe, 0x5_0000_0003, 0x4_ffff_fffe), (3, 0x4_ffff_fff0, 0x5_0000_0003),
            // Half of the space away: the lower one.
            (0x8000_0000, 0x7_0000_0000, 0x6_8000_0000), (0x7fff_ffff, 0x7_0000_0000, 0x7_7fff_ffff),
            // No number has more than 64 bits.
            (0, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000),
        ]
        for expansion in expansions {
            #expect(AcknowledgedRanges.expanded(expansion.low, near: expansion.next) == expansion.number)
        }
    }

    @Test func `ranges above 2 to the 32nd are parsed around the next packet`() throws {
        let ranges: [ClosedRange<UInt64>] = [0x3_0000_0000...0x3_0000_0004, 0x2_ffff_ff00...0x2_ffff_ff0f]
        let bytes = AcknowledgmentPayload.bytes(ranges)
        #expect(try AcknowledgmentPayload.ranges(bytes, next: 0x3_0000_0100) == ranges)
    }

    @Test func `random bytes give an error, or ranges that descend below the next packet`() {
        var generator = SeededGenerator(seed: 1)
        var parsed = 0
        for _ in 0..<50_000 {
            let gaps = Int.random(in: 0...6, using: &generator)
            var bytes = (0..<13 + 4 * gaps).map { _ in UInt8.random(in: 0...255, using: &generator) }
            bytes[8] = UInt8(gaps)
            // Small ranges, so that some are valid.
            for index in [9, 10] { bytes[index] = 0 }
            let next = UInt64.random(in: 0...0x3_0000_0000, using: &generator)
            guard let ranges = try? AcknowledgmentPayload.ranges(bytes, next: next) else { continue }
            parsed += 1
            #expect(ranges.count == gaps + 1)
            var above = next
            for range in ranges {
                #expect(range.upperBound < above)
                above = range.lowerBound > 0 ? range.lowerBound - 1 : 0
            }
        }
        #expect(parsed > 1_000)
    }
}
