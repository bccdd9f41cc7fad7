internal import Cryptography
internal import NIOCore

extension RecordSealer {
    /// Seals, where they lie, those packets of `buffer` whose header is marked so. Each has room for its tag.
    ///
    /// - Parameter count: packets, or more.
    /// - Returns: the change of the key that must be sent before them; most often nil.
    mutating func seal(
        _ count: Int,
        packetsOf buffer: inout ByteBuffer,
        now: ContinuousClock.Instant
    ) -> ByteBuffer? {
        var change: ByteBuffer?
        if mustRekey(now: now, before: UInt64(count)) {
            change = emptyRecord()
            rekey(now: now)
        }
        sealPackets(of: &buffer)
        return change
    }

    private mutating func sealPackets(of buffer: inout ByteBuffer) {
        let first = buffer.readerIndex
        var start = first
        while let flags = buffer.getInteger(at: start + 5, as: UInt8.self).map(PacketFlags.init(rawValue:)),
            let length = buffer.getInteger(at: start + 6, as: UInt32.self)
        {
            let payload = start + PacketHeader.length
            start = payload + Int(length)
            guard flags.contains(.encrypted),
                let header = try? PacketHeader(flags: flags, payloadLength: Int(length))
            else { continue }
            let bytes = header.inlineBytes
            var written = buffer.mutableReadableBytesSpan
            var record = written._mutatingExtracting((payload - first)..<(start - first))
            // A header is ten plain bytes.
            seal(&record, header: unsafe bytes.span.bytes)
        }
    }

    /// As a packet.
    private mutating func emptyRecord() -> ByteBuffer {
        var writer = PacketWriter()
        writer.isSealed = true
        writer.append(.bytes([], []))
        var buffer = writer.take()
        sealPackets(of: &buffer)
        return buffer
    }
}
