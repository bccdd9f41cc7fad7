/// Which packet numbers were opened: the highest one, and each of the 8192 below it. Lower ones count as opened.
///
/// The bits have fixed storage, 1 KiB in the value itself: nothing allocates. A number has bit `number mod 8192`. The
/// highest one needs none, so its bit is that of the number 8192 below it.
package struct ReplayWindow: Sendable {
    /// Numbers below the highest one that are distinguished: section 3 of `Docs/COURIER-PROTOCOL.md`.
    package static let size: UInt64 = 8192

    package enum Verdict: Equatable, Sendable {
        case fresh
        /// It was inserted before.
        case replayed
        /// It is below the window.
        case tooOld
    }

    private static let wordMask: UInt64 = size / 64 - 1
    private var words = InlineArray<128, UInt64>(repeating: 0)
    /// The highest number that was inserted; nil before the first one.
    package private(set) var highest: UInt64?

    package init() {}

    /// Whether a number may be opened.
    @inline(__always)
    package func check(_ number: UInt64) -> Verdict {
        guard let highest, number <= highest else { return .fresh }
        let distance = highest - number
        if distance == 0 { return .replayed }
        if distance > Self.size { return .tooOld }
        return words[Self.word(number)] & Self.bit(number) == 0 ? .fresh : .replayed
    }

    /// Marks a number as opened. One below the window changes nothing.
    @inline(__always)
    package mutating func insert(_ number: UInt64) {
        guard let highest else {
            self.highest = number
            return
        }
        if number > highest {
            advance(from: highest, to: number)
        } else if number < highest, highest - number <= Self.size {
            words[Self.word(number)] |= Self.bit(number)
        }
    }

    private mutating func advance(from old: UInt64, to new: UInt64) {
        highest = new
        guard new - old <= Self.size else {
            words = InlineArray(repeating: 0)
            return
        }
        // The bits of numbers between them are those of numbers that leave the window.
        var number = old + 1
        while number < new {
            let first = number & 63
            let count = min(64 - first, new - number)
            // `count` is 1…64.
            words[Self.word(number)] &= ~((UInt64.max >> (64 - count)) << first)
            number += count
        }
        words[Self.word(old)] |= Self.bit(old)
    }

    @inline(__always)
    private static func word(_ number: UInt64) -> Int { Int(truncatingIfNeeded: number >> 6 & wordMask) }

    @inline(__always)
    private static func bit(_ number: UInt64) -> UInt64 { 1 << (number & 63) }
}
