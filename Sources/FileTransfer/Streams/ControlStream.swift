/// The bytes of the control stream that go out: what the peer has not acknowledged yet, and what was never sent.
///
/// A packet carries at most one contiguous run. What is lost is sent again, before new bytes.
struct ControlSender {
    /// Bytes from `base` on.
    private var bytes: [UInt8] = []
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

    private var end: UInt64 { base + UInt64(bytes.count) }
    var isAcknowledged: Bool { bytes.isEmpty }

    mutating func write(_ message: [UInt8]) { bytes += message }

    mutating func raiseCredit(to total: UInt64) { credit = max(credit, total) }

    /// The next run, of at most `limit` bytes. The caller sends it now.
    mutating func take(atMost limit: Int) -> Range<UInt64>? {
        if let first = lost.first {
            let run = first.lowerBound..<min(first.upperBound, first.lowerBound + UInt64(limit))
            if run.upperBound == first.upperBound {
                lost.removeFirst()
            } else {
                lost[0] = run.upperBound..<first.upperBound
            }
            return run
        }
        let run = next..<min(end, credit, next + UInt64(limit))
        guard !run.isEmpty else { return nil }
        next = run.upperBound
        return run
    }

    /// Copies a run that was taken into a packet.
    func copy(_ run: Range<UInt64>, to packet: inout MutableRawSpan, at position: Int) {
        let start = Int(run.lowerBound - base)
        for index in 0..<run.count {
            packet.storeBytes(of: bytes[start + index], toByteOffset: position + index, as: UInt8.self)
        }
    }

    mutating func acknowledge(_ run: Range<UInt64>) {
        lost = lost.flatMap { Self.subtract(run, from: $0) }
        guard run.upperBound > base else { return }
        acknowledged.append(max(run.lowerBound, base)..<run.upperBound)
        acknowledged.sort { $0.lowerBound < $1.lowerBound }
        var end = base
        var count = 0
        while count < acknowledged.count, acknowledged[count].lowerBound <= end {
            end = max(end, acknowledged[count].upperBound)
            count += 1
        }
        acknowledged.removeFirst(count)
        bytes.removeFirst(Int(end - base))
        base = end
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

/// The bytes of the control stream that come in, in any order, and the messages in them.
struct ControlReceiver {
    enum Violation: Error { case overCredit, tooManyGaps }

    /// Runs that wait for bytes in front of them.
    static let mostGaps = 256

    /// Contiguous bytes that no message was read from yet.
    private var ready: [UInt8] = []
    /// The offset of the byte after `ready`.
    private(set) var end: UInt64 = 0
    private var waiting: [(start: UInt64, bytes: [UInt8])] = []
    /// The total that we admit.
    private(set) var credit: UInt64
    private let window: UInt64

    init(window: UInt64) {
        self.window = window
        credit = window
    }

    mutating func receive(_ bytes: RawSpan, at offset: UInt64) throws(Violation) {
        let (last, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
        guard !overflow, last <= credit else { throw .overCredit }
        guard last > end else { return }
        if offset > end {
            guard waiting.count < Self.mostGaps else { throw .tooManyGaps }
            if waiting.contains(where: { $0.start == offset && $0.bytes.count >= bytes.byteCount }) { return }
            waiting.append((offset, [UInt8](bytes)))
            return
        }
        append([UInt8](bytes.extracting(droppingFirst: Int(end - offset))))
        while let index = waiting.firstIndex(where: { $0.start <= end }) {
            let (start, more) = waiting.remove(at: index)
            let skip = Int(end - start)
            if skip < more.count { append(Array(more[skip...])) }
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        ready += bytes
        end += UInt64(bytes.count)
    }

    /// The next whole message: its type and body. Nil if it is not there yet.
    ///
    /// - Throws: if its body is longer than a message may be.
    mutating func next() throws(ControlMessage.Malformed) -> (type: UInt8, body: [UInt8])? {
        guard ready.count >= ControlMessage.headLength else { return nil }
        let length = Int(ready.rawBytes.bigEndian(at: 1, as: UInt32.self))
        guard length <= ControlMessage.mostBytes else { throw .tooLong(length) }
        guard ready.count >= ControlMessage.headLength + length else { return nil }
        let type = ready[0]
        let body = Array(ready[ControlMessage.headLength..<ControlMessage.headLength + length])
        ready.removeFirst(ControlMessage.headLength + length)
        return (type, body)
    }

    /// The credit to announce now: nil until half of the window is used up by messages that were read.
    mutating func creditToAnnounce() -> UInt64? {
        let wanted = end - UInt64(ready.count) + window
        guard wanted >= credit + window / 2 else { return nil }
        credit = wanted
        return wanted
    }
}
