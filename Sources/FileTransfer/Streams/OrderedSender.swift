/// The bytes of an ordered stream that go out: what the peer has not acknowledged yet, and what was never sent.
///
/// A packet carries at most one contiguous run. What is lost is sent again, before new bytes.
struct OrderedSender {
    /// Bytes from `base` on, after `acknowledgedBytes` ones that are not needed any more.
    private var bytes: [UInt8] = []
    private var acknowledgedBytes = 0
    /// The offset of the first byte that is still kept.
    private var base: UInt64 = 0
    /// Where the first byte stands that was never sent.
    private var next: UInt64 = 0
    private var lost: [Range<UInt64>] = []
    /// Ranges above `base` that are acknowledged.
    private var acknowledged: [Range<UInt64>] = []
    /// The total that the peer admits.
    private(set) var credit: UInt64

    init(credit: UInt64) { self.credit = credit }

    private var end: UInt64 { base + UInt64(bytes.count - acknowledgedBytes) }
    var isAcknowledged: Bool { bytes.count == acknowledgedBytes }
    /// Bytes that were never sent.
    var unsent: Int { Int(end - next) }

    mutating func write(_ message: some Collection<UInt8>) { bytes += message }

    mutating func raiseCredit(to total: UInt64) { credit = max(credit, total) }

    /// The next run, of at most `limit` bytes. The caller sends it now.
    mutating func take(atMost limit: Int) -> Range<UInt64>? {
        if let run = takeLost(atMost: limit) { return run }
        let run = next..<max(next, min(end, credit, next + UInt64(limit)))
        guard !run.isEmpty else { return nil }
        next = run.upperBound
        return run
    }

    /// The next run of those that were lost.
    mutating func takeLost(atMost limit: Int) -> Range<UInt64>? {
        guard let first = lost.first else { return nil }
        let run = first.lowerBound..<min(first.upperBound, first.lowerBound + UInt64(limit))
        if run.upperBound == first.upperBound {
            lost.removeFirst()
        } else {
            lost[0] = run.upperBound..<first.upperBound
        }
        return run
    }

    /// Copies a run that was taken into a packet.
    func copy(_ run: Range<UInt64>, to packet: inout MutableRawSpan, at position: Int) {
        let start = acknowledgedBytes + Int(run.lowerBound - base)
        copyBytes(bytes.rawBytes.extracting(start..<start + run.count), to: &packet, at: position)
    }

    mutating func acknowledge(_ run: Range<UInt64>) {
        if !lost.isEmpty { lost = lost.flatMap { Self.subtract(run, from: $0) } }
        guard run.upperBound > base else { return }
        var end = base
        if run.lowerBound <= base, acknowledged.isEmpty {
            end = run.upperBound
        } else {
            acknowledged.append(max(run.lowerBound, base)..<run.upperBound)
            acknowledged.sort { $0.lowerBound < $1.lowerBound }
            var count = 0
            while count < acknowledged.count, acknowledged[count].lowerBound <= end {
                end = max(end, acknowledged[count].upperBound)
                count += 1
            }
            acknowledged.removeFirst(count)
        }
        acknowledgedBytes += Int(end - base)
        base = end
        // Seldom, so that each byte moves about once.
        if acknowledgedBytes > bytes.count / 2, acknowledgedBytes >= 65_536 || isAcknowledged {
            bytes.removeFirst(acknowledgedBytes)
            acknowledgedBytes = 0
        }
    }

    mutating func lose(_ run: Range<UInt64>) {
        guard run.upperBound > base else { return }
        // A later copy of it may be acknowledged, or lost already.
        var pieces = [max(run.lowerBound, base)..<run.upperBound]
        for known in acknowledged + lost { pieces = pieces.flatMap { Self.subtract(known, from: $0) } }
        lost += pieces
    }

    private static func subtract(_ hole: Range<UInt64>, from range: Range<UInt64>) -> [Range<UInt64>] {
        guard hole.overlaps(range) else { return [range] }
        var rest: [Range<UInt64>] = []
        if range.lowerBound < hole.lowerBound { rest.append(range.lowerBound..<hole.lowerBound) }
        if hole.upperBound < range.upperBound { rest.append(hole.upperBound..<range.upperBound) }
        return rest
    }
}
