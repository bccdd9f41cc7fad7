/// Numbers of entries, gathered as ranges.
struct EntryRanges {
    private var ranges: [Range<UInt32>] = []

    var isEmpty: Bool { ranges.isEmpty }

    mutating func add(_ entry: UInt32) {
        if let last = ranges.last, last.upperBound == entry {
            ranges[ranges.count - 1] = last.lowerBound..<entry + 1
        } else {
            ranges.append(entry..<entry + 1)
        }
    }

    /// All of them, in parts that a message can have.
    mutating func take() -> [[Range<UInt32>]] {
        defer { ranges = [] }
        return stride(from: 0, to: ranges.count, by: ControlMessage.mostRanges).map {
            Array(ranges[$0..<min($0 + ControlMessage.mostRanges, ranges.count)])
        }
    }
}
