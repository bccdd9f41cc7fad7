/// Where the protection of a packet finds its parts: section 3 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// 0    8   connection ID
/// 8    8   packet number, big-endian, XOR mask
/// 16  20   header fields    sealed from here
/// 36   …   payload and padding
/// …   16   tag
/// ```
///
/// The associated data are bytes 0…15 with the number as it is. The sample, from which the mask comes, is bytes 16…31
/// as they are sealed.
enum PacketLayout {
    static let numberOffset = 8
    /// Where the sealed bytes start, and the sample.
    static let sealedOffset = 16
    static let headerLength = 36
    /// Bytes of a packet with an empty payload.
    static let minimumLength = headerLength + RecordCipher.tagLength
}

extension MutableRawSpan {
    /// Eight bytes as a big-endian integer. Bytes that are not inside trap.
    @inline(__always)
    func bigEndian(at offset: Int) -> UInt64 {
        // Every bit pattern is an integer, and the call checks the bounds.
        unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Writes an integer as eight big-endian bytes. Bytes that are not inside trap.
    @inline(__always)
    mutating func store(bigEndian number: UInt64, at offset: Int) {
        storeBytes(of: number.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
}

extension RecordCipher {
    /// Seals a packet but for the mask: bytes 0…15 are written, the others sealed.
    @inline(__always)
    mutating func sealPacket(_ packet: inout MutableRawSpan, connectionID: UInt64, number: UInt64) {
        packet.store(bigEndian: connectionID, at: 0)
        packet.store(bigEndian: number, at: PacketLayout.numberOffset)
        var sealed = packet._mutatingExtracting(PacketLayout.sealedOffset...)
        let header: InlineArray<2, UInt64> = [connectionID.bigEndian, number.bigEndian]
        // Plain integers, read as bytes.
        unsafe seal(&sealed, counter: number, authenticating: header.span.bytes)
    }

    /// Opens a packet whose number is known. False if it is not authentic; then its contents are undefined.
    @inline(__always)
    mutating func openPacket(_ packet: inout MutableRawSpan, connectionID: UInt64, number: UInt64) -> Bool {
        var sealed = packet._mutatingExtracting(PacketLayout.sealedOffset...)
        let header: InlineArray<2, UInt64> = [connectionID.bigEndian, number.bigEndian]
        // Plain integers, read as bytes.
        return unsafe open(&sealed, counter: number, authenticating: header.span.bytes)
    }
}
