/// One bit for each packet number of a window whose length is a power of two, 64 or more.
struct PacketBits {
    private var words: [UInt64]
    private let wordMask: UInt64

    init(capacity: Int) {
        words = [UInt64](repeating: 0, count: capacity / 64)
        wordMask = UInt64(capacity / 64 - 1)
    }

    @inline(__always)
    private func word(_ number: UInt64) -> Int { Int(truncatingIfNeeded: (number >> 6) & wordMask) }

    @inline(__always)
    subscript(number: UInt64) -> Bool {
        words[word(number)] & (1 << (number & 63)) != 0
    }

    @inline(__always)
    mutating func insert(_ number: UInt64) { words[word(number)] |= 1 << (number & 63) }

    @inline(__always)
    mutating func remove(_ number: UInt64) { words[word(number)] &= ~(1 << (number & 63)) }

    /// Removes all numbers of the word with `number` whose bit in `mask` is set, and returns which of them there were.
    @inline(__always)
    mutating func take(_ mask: UInt64, with number: UInt64) -> UInt64 {
        let index = word(number)
        let taken = words[index] & mask
        // Most words have none.
        if taken != 0 { words[index] &= ~taken }
        return taken
    }

    /// The lowest number from `start` up to before `end` whose bit is set. `end` is at most the window's length higher.
    @inline(__always)
    func first(from start: UInt64, to end: UInt64) -> UInt64? {
        guard start < end else { return nil }
        var base = start & ~63
        var found = words[word(base)] & (~0 << (start & 63))
        while found == 0 {
            base += 64
            guard base < end else { return nil }
            found = words[word(base)]
        }
        let number = base + UInt64(truncatingIfNeeded: found.trailingZeroBitCount)
        return number < end ? number : nil
    }
}
