/// The packet numbers that were received and that the peer may not know of yet, as a bounded list of runs.
///
/// It forgets low numbers. A late packet with such a number counts as received once more; that none is opened twice is
/// the task of the replay window.
struct ReceivedRanges {
    struct Run: Equatable {
        var first: UInt64
        var last: UInt64
        /// ACKs that have named all of it.
        var reports: UInt8 = 0
    }

    enum Insertion {
        /// It follows the highest one so far.
        case next
        /// It is above the next one: others are missing or late.
        case ahead
        /// It is below the highest one.
        case behind
        case duplicate
    }

    /// As many as an ACK can name.
    static let mostRuns = AcknowledgedRanges.mostGaps + 1

    /// Ascending; no two touch.
    private(set) var runs: [Run] = []
    /// The number after the highest one ever received.
    private(set) var next: UInt64 = 0

    /// Adds a number. Beyond `mostRuns` runs the lowest one is dropped.
    mutating func insert(_ number: UInt64) -> Insertion {
        if number >= next { return append(number) }
        var index = runs.endIndex
        // Late packets are near the top.
        while index > 0, runs[index - 1].first > number { index -= 1 }
        // `index` is the lowest run above the number.
        if index > 0, number <= runs[index - 1].last { return .duplicate }
        let touchesBelow = index > 0 && runs[index - 1].last + 1 == number
        let touchesAbove = index < runs.endIndex && runs[index].first == number + 1
        switch (touchesBelow, touchesAbove) {
        case (true, true):
            runs[index - 1].last = runs[index].last
            runs[index - 1].reports = 0
            runs.remove(at: index)
        case (true, false):
            runs[index - 1].last = number
            runs[index - 1].reports = 0
        case (false, true):
            runs[index].first = number
            runs[index].reports = 0
        case (false, false):
            if runs.count == Self.mostRuns {
                // The number itself would be the lowest run.
                guard index > 0 else { return .behind }
                runs.removeFirst()
                index -= 1
            }
            runs.insert(Run(first: number, last: number), at: index)
        }
        return .behind
    }

    private mutating func append(_ number: UInt64) -> Insertion {
        // No number follows it, and no session gets there.
        guard number < .max else { return .duplicate }
        let isNext = number == next
        next = number + 1
        if isNext, !runs.isEmpty, runs[runs.count - 1].last + 1 == number {
            runs[runs.count - 1].last = number
            runs[runs.count - 1].reports = 0
        } else {
            if runs.count == Self.mostRuns { runs.removeFirst() }
            runs.append(Run(first: number, last: number))
        }
        return isNext ? .next : .ahead
    }

    /// The lowest run that was in fewer ACKs than this; the highest one at least. `runs` is not empty.
    func lowestRun(below reports: UInt8) -> Int {
        for index in runs.indices where runs[index].reports < reports { return index }
        return runs.count - 1
    }

    mutating func wasReported(_ index: Int) { if runs[index].reports < .max { runs[index].reports += 1 } }

    /// Drops all numbers up to this one: the peer knows of those that were received.
    mutating func forget(through number: UInt64) {
        while let lowest = runs.first, lowest.first <= number {
            if lowest.last > number {
                runs[0].first = number + 1
                return
            }
            runs.removeFirst()
        }
    }
}
