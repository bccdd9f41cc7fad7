internal import Cryptography

/// A chunk of which some bytes have arrived.
struct ChunkAssembly {
    /// Runs that do not touch each other: more than a chunk has in packets of any path.
    private static let mostRuns = 256

    let entry: UInt32
    let chunk: UInt64
    /// Its memory.
    let slot: Int
    let length: Int
    /// What has arrived, in order, not touching each other.
    private var runs: [Range<Int>] = []

    init(entry: UInt32, chunk: UInt64, slot: Int, length: Int) {
        self.entry = entry
        self.chunk = chunk
        self.slot = slot
        self.length = length
    }

    var isComplete: Bool { runs.count == 1 && runs[0] == 0..<length || length == 0 }

    /// Notes that a run of bytes has arrived. Bytes may arrive twice: nothing changes then.
    ///
    /// Returns how many were missing before, or nil if there are too many runs to note another one.
    mutating func add(_ run: Range<Int>) -> Int? {
        // In order, almost always.
        if let last = runs.indices.last, runs[last].upperBound == run.lowerBound {
            runs[last] = runs[last].lowerBound..<run.upperBound
            return run.count
        }
        guard !run.isEmpty else { return 0 }
        guard
            runs.count < Self.mostRuns
                || runs.contains(where: { $0.upperBound >= run.lowerBound && $0.lowerBound <= run.upperBound })
        else { return nil }
        let before = runs.reduce(0) { $0 + $1.count }
        var first = runs.startIndex
        while first < runs.count, runs[first].upperBound < run.lowerBound { first += 1 }
        var merged = run
        var end = first
        while end < runs.count, runs[end].lowerBound <= run.upperBound {
            merged = min(merged.lowerBound, runs[end].lowerBound)..<max(merged.upperBound, runs[end].upperBound)
            end += 1
        }
        runs.replaceSubrange(first..<end, with: CollectionOfOne(merged))
        return runs.reduce(0) { $0 + $1.count } - before
    }
}
