/// The payload of an ACK: the packet numbers that the peer has received, as ranges, the highest first.
///
/// ```
/// 0   4   largest P, mod 2³²
/// 4   4   delay: µs between receiving it and sending this
/// 8   1   count of gaps
/// 9   4   packets of the first range, less one
/// 13  4   for each gap: missing packets, less one (2), packets of the range below it, less one (2)
/// …   12  with the flag ECN: three counts, which are ignored
/// ```
///
/// A value has been checked as a whole, so that ``next()`` does not fail. It refers to the packet's bytes and allocates
/// nothing.
package struct AcknowledgedRanges: ~Escapable {
    /// Bytes in front of the gaps.
    static let headLength = 13
    static let gapLength = 4
    /// The count has one byte.
    static let mostGaps = 255
    static let countsLength = 12
    /// Most bytes of a payload without ECN counts.
    static let maximumLength = headLength + mostGaps * gapLength

    /// The highest packet number.
    package let largest: UInt64
    /// Nanoseconds that the peer kept it before it sent this.
    package let delay: Int64
    private let payload: RawSpan
    /// What ``next()`` returns.
    private var range: ClosedRange<UInt64>
    private var position = headLength
    private var gapsLeft: Int
    private var isAtEnd = false

    /// - Parameters:
    ///   - payload: that of the packet, without its padding.
    ///   - hasCounts: whether the flag ECN is set.
    ///   - next: the number of the next packet to the peer; `largest` is expanded to 64 bits around it.
    @_lifetime(copy payload)
    package init(_ payload: RawSpan, hasCounts: Bool, next: UInt64) throws(AcknowledgmentFailure) {
        guard payload.byteCount >= Self.headLength else {
            throw .length(payload.byteCount, expected: Self.headLength)
        }
        let gaps = Int(payload.bigEndian(at: 8, as: UInt8.self))
        let gapsEnd = Self.headLength + gaps * Self.gapLength
        let expected = gapsEnd + (hasCounts ? Self.countsLength : 0)
        guard payload.byteCount == expected else { throw .length(payload.byteCount, expected: expected) }
        let largest = Self.expanded(payload.bigEndian(at: 0, as: UInt32.self), near: next)
        guard largest < next else { throw .neverSent(largest) }
        let first = UInt64(payload.bigEndian(at: 9, as: UInt32.self))
        guard first <= largest else { throw .belowZero }
        var lowest = largest - first
        for position in stride(from: Self.headLength, to: gapsEnd, by: Self.gapLength) {
            let step = Self.distances(payload, at: position)
            guard step.toTop + step.length <= lowest else { throw .belowZero }
            lowest -= step.toTop + step.length
        }
        self.payload = payload
        self.largest = largest
        delay = Int64(payload.bigEndian(at: 4, as: UInt32.self)) * 1_000
        range = largest - first...largest
        gapsLeft = gaps
    }

    /// The next range, below the one before and not next to it.
    @_lifetime(self: copy self)
    package mutating func next() -> ClosedRange<UInt64>? {
        guard !isAtEnd else { return nil }
        let current = range
        if gapsLeft == 0 {
            isAtEnd = true
        } else {
            gapsLeft -= 1
            let step = Self.distances(payload, at: position)
            position += Self.gapLength
            let top = current.lowerBound - step.toTop
            range = top - step.length...top
        }
        return current
    }

    /// From the lowest packet of a range to the top of the range below, and from there to its lowest.
    private static func distances(_ payload: RawSpan, at position: Int) -> (toTop: UInt64, length: UInt64) {
        (
            UInt64(payload.bigEndian(at: position, as: UInt16.self)) + 2,
            UInt64(payload.bigEndian(at: position + 2, as: UInt16.self))
        )
    }

    /// The number nearest to `next` whose low 32 bits are these; the lower one of two.
    static func expanded(_ low: UInt32, near next: UInt64) -> UInt64 {
        // From half of the space below `next` to half above it.
        let distance = Int64(Int32(bitPattern: low &- UInt32(truncatingIfNeeded: next)))
        let (number, carries) = next.addingReportingOverflow(UInt64(bitPattern: distance))
        // There are no numbers below 0 and none of more than 64 bits.
        if distance < 0 { return carries ? number : number &+ (1 << 32) }
        return carries ? number &- (1 << 32) : number
    }
}
