/// The receiving side of acknowledgment: which packets came, when an ACK is due, and what it says.
///
/// The caller records every packet that it has opened and processed, and asks once at the end of a batch whether an ACK
/// is due: so there is at most one for each call that receives. Nothing is allocated once the list of ranges has had
/// its largest length.
package struct ReceivedPackets {
    /// ACKs that name a range after it has changed: some may be lost.
    package static let repetitions: UInt8 = 16
    /// Most bytes of an ACK's payload.
    package static let maximumPayload = AcknowledgedRanges.maximumLength

    private var ranges = ReceivedRanges()
    private var schedule = AcknowledgmentSchedule()
    private var largestAt = Instant(nanoseconds: 0)
    /// The lowest number received since the last ACK; a high one without any.
    private var lowestUnnamed = UInt64.max

    package init() {}

    /// The number after the highest one that was received.
    package var next: UInt64 { ranges.next }
    /// Whether an ACK would name anything.
    package var isEmpty: Bool { ranges.runs.isEmpty }
    /// Packets that elicited an ACK since the last one.
    package var unacknowledged: Int { schedule.waiting }
    /// When an ACK is due if no more packets come; nil if none is.
    package var nextDeadline: Instant? { schedule.deadline }

    /// Packets from one ACK to the next after the first 100; 2 or more.
    package var interval: Int {
        get { schedule.interval }
        set { schedule.interval = max(AcknowledgmentSchedule.promptInterval, newValue) }
    }

    /// Records a packet.
    ///
    /// - Parameters:
    ///   - number: its 64-bit number.
    ///   - elicits: whether its frame must be acknowledged.
    ///   - isUrgent: whether it carries FIN or ACK-NOW.
    /// - Returns: false if it was received before.
    package mutating func record(_ number: UInt64, elicits: Bool, isUrgent: Bool, now: Instant) -> Bool {
        let insertion = ranges.insert(number)
        switch insertion {
        case .next, .ahead: largestAt = now
        case .behind, .duplicate: break
        }
        if insertion != .duplicate { lowestUnnamed = min(lowestUnnamed, number) }
        if elicits {
            // The ACK of a duplicate may have been lost.
            schedule.received(
                isUrgent: isUrgent || insertion == .duplicate,
                isOutOfOrder: insertion == .ahead || insertion == .behind,
                now: now
            )
        }
        return insertion != .duplicate
    }

    /// Whether an ACK must go out now.
    package func isDue(now: Instant) -> Bool { schedule.isDue(now: now) }

    /// The peer has acknowledged a packet with an ACK of ours whose highest number was this one. What no ACK has named
    /// yet is kept.
    package mutating func forget(through largest: UInt64) {
        guard lowestUnnamed > 0 else { return }
        ranges.forget(through: min(largest, lowestUnnamed - 1))
    }

    /// Writes the payload of an ACK, which the caller sends now.
    ///
    /// - Parameters:
    ///   - payload: at least 13 bytes; fewer are a programming error and trap. The ACK names the ranges that were in
    ///     fewer than ``repetitions`` ACKs, and those above them, as far as there is room.
    ///   - start: the offset in `payload`.
    /// - Returns: the bytes written and the highest number named, which the record of the sent packet keeps for
    ///   ``forget(through:)``; nil if there is nothing to acknowledge.
    package mutating func write(
        to payload: inout MutableRawSpan,
        at start: Int = 0,
        now: Instant
    ) -> (length: Int, largest: UInt64)? {
        schedule.acknowledged()
        lowestUnnamed = .max
        guard let top = ranges.runs.last else { return nil }
        let room = (payload.byteCount - start - AcknowledgedRanges.headLength) / AcknowledgedRanges.gapLength
        let most = min(room, AcknowledgedRanges.mostGaps)
        payload.store(bigEndian: UInt32(truncatingIfNeeded: top.last), at: start)
        payload.store(bigEndian: UInt32(clamping: max(0, now - largestAt) / 1_000), at: start + 4)
        payload.store(bigEndian: UInt32(clamping: top.last - top.first), at: start + 9)
        var position = start + AcknowledgedRanges.headLength
        var count = 0
        var above = top.first
        var index = ranges.runs.count - 2
        let lowest = ranges.lowestRun(below: Self.repetitions)
        ranges.wasReported(index + 1)
        while count < most, index >= lowest {
            let run = ranges.runs[index]
            // What lies more than 65 536 packets lower, the peer has given up.
            guard let gap = UInt16(exactly: above - run.last - 2) else { break }
            let length = UInt16(clamping: run.last - run.first)
            payload.store(bigEndian: gap, at: position)
            payload.store(bigEndian: length, at: position + 2)
            position += AcknowledgedRanges.gapLength
            ranges.wasReported(index)
            count += 1
            index -= 1
            above = run.first
            // The rest of a longer run cannot be named.
            if run.last - run.first > UInt64(length) { break }
        }
        payload.store(bigEndian: UInt8(count), at: start + 8)
        return (position - start, top.last)
    }
}
