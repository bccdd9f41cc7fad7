/// Puts the bytes of an ordered stream, which come in any order, into order.
struct OrderedReceiver {
    /// Runs that wait for bytes in front of them, and their bytes.
    static let mostWaiting = 16_384
    static let mostWaitingBytes = 16 << 20

    /// The offset of the first byte that has not come in order yet.
    private(set) var end: UInt64 = 0
    /// Ascending by their start.
    private var waiting: [(start: UInt64, bytes: [UInt8])] = []
    /// Those of `waiting` that are in order by now.
    private var drained = 0
    private var waitingBytes = 0

    /// Takes a run, and hands on what is in order now.
    ///
    /// Returns how many bytes that were; nil if there is no room for a run that must wait. The caller then forgets it,
    /// and does not acknowledge it.
    mutating func receive(_ bytes: RawSpan, at offset: UInt64, _ take: (RawSpan) -> Void) -> Int? {
        let last = offset + UInt64(bytes.byteCount)
        guard last > end else { return 0 }
        if offset > end { return wait(bytes, at: offset) ? 0 : nil }
        let before = end
        take(bytes.extracting(droppingFirst: Int(end - offset)))
        end = last
        while drained < waiting.count, waiting[drained].start <= end {
            let (start, more) = waiting[drained]
            waiting[drained].bytes = []
            waitingBytes -= more.count
            drained += 1
            let skip = Int(end - start)
            if skip < more.count {
                take(more.rawBytes.extracting(droppingFirst: skip))
                end = start + UInt64(more.count)
            }
        }
        if drained > waiting.count / 2 {
            waiting.removeFirst(drained)
            drained = 0
        }
        return Int(end - before)
    }

    private mutating func wait(_ bytes: RawSpan, at offset: UInt64) -> Bool {
        // Where it belongs: behind all others, almost always.
        var place = waiting.count
        while place > drained, waiting[place - 1].start > offset { place -= 1 }
        if place > drained, waiting[place - 1].start == offset, waiting[place - 1].bytes.count >= bytes.byteCount {
            return true
        }
        guard waiting.count - drained < Self.mostWaiting, waitingBytes + bytes.byteCount <= Self.mostWaitingBytes else {
            return false
        }
        waiting.insert((offset, [UInt8](bytes)), at: place)
        waitingBytes += bytes.byteCount
        return true
    }
}
