/// Which sequence numbers have arrived: exact within the newest `size`, which is more than three seconds at the highest
/// packet rate. Sequences come from the network, so every value and every jump is legal and costs at most one pass over
/// the window.
struct SequenceWindow: Sendable {
    /// 65 536 sequences, 8 KiB.
    static let size: UInt64 = 1 << 16

    enum Arrival {
        case new, reordered, duplicate
        /// Older than the window: whether it is a duplicate is unknown.
        case tooOld
    }

    private(set) var highest: UInt64?
    private var words = [UInt64](repeating: 0, count: Int(SequenceWindow.size / 64))

    mutating func record(_ sequence: UInt64) -> Arrival {
        guard let highest = self.highest else {
            self.highest = sequence
            self.set(sequence)
            return .new
        }
        if sequence > highest {
            forget(after: highest, count: min(sequence - highest, Self.size))
            self.highest = sequence
            self.set(sequence)
            return .new
        }
        if highest - sequence >= Self.size { return .tooOld }
        if words[Self.word(sequence)] & Self.bit(sequence) != 0 { return .duplicate }
        self.set(sequence)
        return .reordered
    }

    private static func word(_ sequence: UInt64) -> Int { Int(sequence % Self.size / 64) }
    private static func bit(_ sequence: UInt64) -> UInt64 { 1 << (sequence % 64) }

    private mutating func set(_ sequence: UInt64) {
        words[Self.word(sequence)] |= Self.bit(sequence)
    }

    /// Clears the bits of the `count` sequences after `last`, a word at a time.
    private mutating func forget(after last: UInt64, count: UInt64) {
        var next = last &+ 1
        var left = count
        while left > 0 {
            let low = next % 64
            let run = min(64 - low, left)
            let mask = run == 64 ? UInt64.max : ((1 << run) - 1) << low
            words[Self.word(next)] &= ~mask
            next &+= run
            left -= run
        }
    }
}
