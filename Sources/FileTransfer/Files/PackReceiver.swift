internal import Cryptography

/// The pack stream at its receiver: section 5.4 of `Docs/COURIER-PROTOCOL.md`.
struct PackReceiver {
    enum Next {
        case incomplete
        /// Longer than a small file.
        case tooLong
        /// ``content(_:)`` has its bytes.
        case record(entry: UInt32, digest: BLAKE3.Digest, size: Int)
    }

    var isOpen = false
    private var order = OrderedReceiver()
    /// Bytes in order, of which the first `read` are done with.
    private var bytes: [UInt8] = []
    private var read = 0

    /// Returns how many bytes came into order; nil if there is no room for them.
    mutating func receive(_ run: RawSpan, at offset: UInt64) -> Int? {
        var bytes: [UInt8] = []
        swap(&bytes, &self.bytes)
        defer { swap(&bytes, &self.bytes) }
        if read > 0 {
            bytes.removeFirst(read)
            read = 0
        }
        return order.receive(run, at: offset) { bytes += [UInt8]($0) }
    }

    /// Reads the next record, if all of it is there.
    mutating func next() -> Next {
        let record = peek()
        if case .record(_, _, let size) = record { read += PackSender.headLength + size }
        return record
    }

    private func peek() -> Next {
        guard bytes.count - read >= PackSender.headLength else { return .incomplete }
        let head = bytes.rawBytes.extracting(read..<read + PackSender.headLength)
        let size = Int(head.bigEndian(at: 4, as: UInt32.self))
        guard size <= TransferEntry.largestSmall else { return .tooLong }
        guard bytes.count - read >= PackSender.headLength + size,
            let digest = BLAKE3.Digest(head.extracting(droppingFirst: 8))
        else { return .incomplete }
        return .record(entry: head.bigEndian(at: 0, as: UInt32.self), digest: digest, size: size)
    }

    /// The content of the record that was read last.
    @_lifetime(borrow self)
    func content(_ size: Int) -> RawSpan { bytes.rawBytes.extracting(read - size..<read) }
}
