@testable import FileTransfer

/// The payload of an ACK, as a peer makes it.
enum AcknowledgmentPayload {
    /// - Parameters:
    ///   - ranges: the highest first.
    ///   - delay: microseconds.
    static func bytes(_ ranges: [ClosedRange<UInt64>], delay: UInt32 = 0, counts: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: ranges[0].upperBound))
        bytes.append(bigEndian: delay)
        bytes.append(UInt8(ranges.count - 1))
        bytes.append(bigEndian: UInt32(ranges[0].count - 1))
        for (above, range) in zip(ranges, ranges.dropFirst()) {
            bytes.append(bigEndian: UInt16(above.lowerBound - range.upperBound - 2))
            bytes.append(bigEndian: UInt16(range.count - 1))
        }
        return counts ? bytes + [UInt8](repeating: 0xcc, count: 12) : bytes
    }

    /// The ranges of a payload.
    static func ranges(
        _ bytes: [UInt8],
        counts: Bool = false,
        next: UInt64
    ) throws(AcknowledgmentFailure) -> [ClosedRange<UInt64>] {
        var ranges = try AcknowledgedRanges(bytes.span.bytes, hasCounts: counts, next: next)
        var list: [ClosedRange<UInt64>] = []
        while let range = ranges.next() { list.append(range) }
        return list
    }
}

extension ReceivedPackets {
    /// The payload of an ACK in an array of its own; nil if there is nothing to say.
    mutating func payload(room: Int = maximumPayload, now: Instant) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xee, count: room)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        guard let written = write(to: &raw, now: now) else { return nil }
        return Array(bytes.prefix(written.length))
    }

    /// What an ACK names.
    mutating func named(room: Int = maximumPayload) throws -> [ClosedRange<UInt64>] {
        guard let payload = payload(room: room, now: Instant(nanoseconds: 0)) else { return [] }
        return try AcknowledgmentPayload.ranges(payload, next: next)
    }
}

/// The generator of a seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

extension Instant {
    static func milliseconds(_ count: Double) -> Instant { Instant(nanoseconds: Int64(count * 1e6)) }
}
