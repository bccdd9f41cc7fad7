internal import Cryptography

/// The pack stream at its sender: section 5.4 of `Docs/COURIER-PROTOCOL.md`. It keeps what is not acknowledged.
struct PackSender {
    /// Entry, size and digest.
    static let headLength = 8 + BLAKE3.digestLength
    /// Bytes to read ahead.
    static let readAhead = 65_536

    /// Its number, once it is open.
    var stream: UInt16?
    private var order = OrderedSender(credit: .max)
    private var wanted: [Range<UInt32>] = []

    /// Whether entries wait to be read.
    var hasWanted: Bool { !wanted.isEmpty }
    var unsent: Int { order.unsent }

    mutating func want(_ entries: [Range<UInt32>]) {
        // In the order in which they are taken from its end.
        wanted.insert(contentsOf: entries.reversed(), at: 0)
    }

    /// The next entry to read.
    mutating func nextEntry() -> UInt32? {
        guard let range = wanted.last else { return nil }
        if range.count == 1 {
            wanted.removeLast()
        } else {
            wanted[wanted.count - 1] = range.lowerBound + 1..<range.upperBound
        }
        return range.lowerBound
    }

    /// Adds a file that was read.
    mutating func add(_ entry: UInt32, _ bytes: RawSpan, _ digest: BLAKE3.Digest) {
        var head: [UInt8] = []
        head.append(bigEndian: entry)
        head.append(bigEndian: UInt32(bytes.byteCount))
        head += digest
        order.write(head)
        order.write([UInt8](bytes))
    }

    /// The next run to send again.
    mutating func takeLost(atMost limit: Int) -> OutgoingData? { order.takeLost(atMost: limit).map(data) }

    /// The next run that was never sent.
    mutating func take(atMost limit: Int) -> OutgoingData? { order.take(atMost: limit).map(data) }

    private func data(_ run: Range<UInt64>) -> OutgoingData {
        OutgoingData(stream: stream ?? 0, offset: run.lowerBound, length: run.count, isFinal: false)
    }

    func copy(_ data: OutgoingData, to packet: inout MutableRawSpan, at position: Int) {
        order.copy(data.offset..<data.offset + UInt64(data.length), to: &packet, at: position)
    }

    mutating func acknowledge(_ data: OutgoingData) {
        order.acknowledge(data.offset..<data.offset + UInt64(data.length))
    }

    mutating func lose(_ data: OutgoingData) { order.lose(data.offset..<data.offset + UInt64(data.length)) }
}
