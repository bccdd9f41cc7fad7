internal import Cryptography
internal import NIOCore

extension RecordSealer {
    /// Seals, in place, the packets of `buffer` whose header has the encrypted flag. Each has room for its tag.
    ///
    /// - Parameter count: at least the number of packets.
    /// - Returns: the key change that must precede them; usually nil.
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
        let count = buffer.readableBytes
        var written = buffer.mutableReadableBytesSpan
        var start = 0
        while count - start >= PacketHeader.length {
            // Ten bytes are there, and any bytes are valid.
            let flags = unsafe written.bytes.unsafeLoad(fromByteOffset: start + 5, as: UInt8.self)
            let length = unsafe written.bytes.unsafeLoadUnaligned(fromByteOffset: start + 6, as: UInt32.self)
            let payload = start + PacketHeader.length
            start = payload + Int(UInt32(bigEndian: length))
            guard PacketFlags(rawValue: flags).contains(.encrypted), start <= count,
                let header = try? PacketHeader(
                    flags: PacketFlags(rawValue: flags),
                    payloadLength: start - payload
                )
            else { continue }
            let bytes = header.inlineBytes
            var record = written._mutatingExtracting(payload..<start)
            // A header is ten plain bytes.
            seal(&record, header: unsafe bytes.span.bytes)
        }
    }

    /// As a packet.
    private mutating func emptyRecord() -> ByteBuffer {
        var writer = PacketWriter()
        writer.append([], [], isSealed: true)
        var buffer = writer.take()
        sealPackets(of: &buffer)
        return buffer
    }
}
