/// The packets that were sent and are not acknowledged, by number, in a ring that grows with their range; and those
/// that were declared lost of late, so that a late acknowledgment is recognized.
///
///     sent ─▶ outstanding ─▶ acknowledged (gone)
///                  └──────▶ lost ─▶ acknowledged late, or forgotten (gone)
struct SentPackets: ~Copyable {
    enum State { case outstanding, lost }

    /// Slots at first: 4 KiB.
    static let initialCapacity = 64
    /// Most numbers from the oldest outstanding packet to the next one. The receiver opens packets of its own key
    /// generation and its neighbors only, and a generation has so many.
    static let maximumCapacity = 65_536

    private var slots: [SentPacket]
    private var outstanding: PacketBits
    private var lost: PacketBits
    private var lostCount = 0
    private(set) var capacity: Int
    /// No packet below is outstanding or remembered as lost.
    private(set) var base: UInt64 = 0
    /// No packet below is outstanding.
    private(set) var oldest: UInt64 = 0
    /// The number of the next packet.
    private(set) var next: UInt64 = 0

    init() {
        capacity = Self.initialCapacity
        slots = []
        outstanding = PacketBits(capacity: capacity)
        lost = PacketBits(capacity: capacity)
    }

    /// Whether another packet may be sent.
    var hasRoom: Bool { next - oldest < UInt64(Self.maximumCapacity) }
    var isEmpty: Bool { oldest == next }

    @inline(__always)
    private func slot(_ number: UInt64) -> Int { Int(truncatingIfNeeded: number) & (capacity - 1) }

    /// Adds a packet under the number `next`. Without room it traps: the caller asks first.
    @inline(__always)
    mutating func append(_ packet: SentPacket) {
        if next - base == UInt64(capacity) { makeRoom() }
        let slot = slot(next)
        // The ring fills up from its front at first.
        if slot < slots.count { slots[slot] = packet } else { slots.append(packet) }
        outstanding.insert(next)
        next += 1
    }

    /// The ring is full.
    @inline(never)
    private mutating func makeRoom() {
        if capacity == Self.maximumCapacity {
            _ = trim()
            forgetLost(before: Instant(nanoseconds: .max))
            precondition(next - base < UInt64(capacity), "a packet is sent although too many are outstanding")
            return
        }
        var (newOutstanding, newLost) = (PacketBits(capacity: 2 * capacity), PacketBits(capacity: 2 * capacity))
        // Of the doubled ring, the slots below and above the middle get one half of the numbers each.
        var newSlots = slots + slots
        for number in base..<next {
            newSlots[Int(truncatingIfNeeded: number) & (2 * capacity - 1)] = slots[slot(number)]
            if outstanding[number] { newOutstanding.insert(number) }
            if lost[number] { newLost.insert(number) }
        }
        (slots, outstanding, lost) = (newSlots, newOutstanding, newLost)
        capacity *= 2
    }

    /// The lowest outstanding packet from `start` on and before `end`.
    @inline(__always)
    func firstOutstanding(from start: UInt64, to end: UInt64) -> UInt64? {
        outstanding.first(from: max(start, oldest), to: min(end, next))
    }

    /// A packet that was sent and whose slot has not been taken by a later one.
    @inline(__always)
    subscript(number: UInt64) -> SentPacket { slots[slot(number)] }

    /// Removes the packets of a range that are outstanding or remembered as lost, in ascending order, and says what
    /// they were.
    @inline(__always)
    mutating func take(_ range: Range<UInt64>, _ body: (SentPacket, UInt64, State) -> Void) {
        var start = max(range.lowerBound, base)
        let end = min(range.upperBound, next)
        // Word by word, because most of a range was taken before.
        while start < end {
            let first = start & ~63
            var mask = ~0 << (start & 63) as UInt64
            if end - first < 64 { mask &= ~(~0 << (end - first)) }
            let wasOutstanding = outstanding.take(mask, with: first)
            let wasLost = lostCount > 0 ? lost.take(mask, with: first) : 0
            lostCount -= wasLost.nonzeroBitCount
            var left = wasOutstanding | wasLost
            while left != 0 {
                let bit = UInt64(truncatingIfNeeded: left.trailingZeroBitCount)
                left &= left - 1
                body(slots[slot(first + bit)], first + bit, wasOutstanding >> bit & 1 != 0 ? .outstanding : .lost)
            }
            start = first + 64
        }
    }

    func isOutstanding(_ number: UInt64) -> Bool { outstanding[number] }

    /// Gives a packet up without remembering it.
    mutating func forget(_ number: UInt64) {
        outstanding.remove(number)
        guard lost[number] else { return }
        lost.remove(number)
        lostCount -= 1
    }

    /// Turns an outstanding packet into a lost one.
    mutating func lose(_ number: UInt64, byTime: Bool) {
        outstanding.remove(number)
        lost.insert(number)
        lostCount += 1
        if byTime { slots[slot(number)].flags.insert(.lostByTime) }
    }

    /// Moves `oldest` up, and `base` unless packets are remembered as lost: then it returns true.
    @inline(__always)
    mutating func trim() -> Bool {
        oldest = outstanding.first(from: oldest, to: next) ?? next
        if lostCount > 0 { return true }
        base = oldest
        return false
    }

    /// Forgets the lost packets at the lower end that were sent before a time.
    mutating func forgetLost(before time: Instant) {
        while base < oldest, let number = lost.first(from: base, to: oldest) {
            base = number
            guard slots[slot(number)].sentAt < time else { return }
            lost.remove(number)
            lostCount -= 1
        }
        base = oldest
    }

    /// Gives memory back: the ring of a session with nothing outstanding becomes as small as at first.
    mutating func shrink() {
        guard isEmpty, capacity > Self.initialCapacity else { return }
        base = next
        oldest = next
        lostCount = 0
        capacity = Self.initialCapacity
        // Slots are found by number, so all must exist.
        slots = Array(slots.prefix(capacity))
        outstanding = PacketBits(capacity: capacity)
        lost = PacketBits(capacity: capacity)
    }
}
