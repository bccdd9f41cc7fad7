package import Cryptography

/// Chunks of a file that were verified in an earlier transfer, with their values.
package struct KnownChunks: Equatable, Sendable {
    /// Ascending.
    package private(set) var numbers: [UInt64] = []
    package private(set) var values: [BLAKE3.ChainingValue] = []

    package init() {}

    package var count: Int { numbers.count }
    package var isEmpty: Bool { numbers.isEmpty }

    /// Adds a chunk. The value of one that is there already is replaced.
    package mutating func add(_ chunk: UInt64, _ value: BLAKE3.ChainingValue) {
        let place = numbers.last.map { $0 < chunk } ?? true ? numbers.count : index(of: chunk)
        if place < numbers.count, numbers[place] == chunk {
            values[place] = value
        } else {
            numbers.insert(chunk, at: place)
            values.insert(value, at: place)
        }
    }

    package mutating func remove(_ chunk: UInt64) {
        let place = index(of: chunk)
        guard place < numbers.count, numbers[place] == chunk else { return }
        numbers.remove(at: place)
        values.remove(at: place)
    }

    package func value(of chunk: UInt64) -> BLAKE3.ChainingValue? {
        guard !numbers.isEmpty else { return nil }
        let place = index(of: chunk)
        return place < numbers.count && numbers[place] == chunk ? values[place] : nil
    }

    /// The chunks below `count` that are not known, as ranges.
    package func missing(of count: UInt64) -> [Range<UInt64>] {
        var ranges: [Range<UInt64>] = []
        var next: UInt64 = 0
        for number in numbers where number < count {
            if number > next { ranges.append(next..<number) }
            next = number + 1
        }
        if next < count { ranges.append(next..<count) }
        return ranges
    }

    /// Of the first number that is not below a chunk's.
    private func index(of chunk: UInt64) -> Int {
        var low = 0
        var high = numbers.count
        while low < high {
            let middle = (low + high) / 2
            if numbers[middle] < chunk { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
