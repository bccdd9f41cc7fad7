/// Reads a message's fields in place, and reports where it fails.
struct BincodeReader: ~Escapable {
    private let source: Span<UInt8>
    private(set) var offset: Int

    @_lifetime(copy source)
    init(_ source: Span<UInt8>, from start: Int) {
        self.source = source
        offset = start
    }

    mutating func unsigned32() throws(MessageError) -> UInt32 {
        try demand(4)
        // `demand` has checked this.
        let value = unsafe source.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        offset += 4
        return UInt32(littleEndian: value)
    }

    mutating func unsigned64() throws(MessageError) -> UInt64 {
        try demand(8)
        // `demand` has checked this.
        let value = unsafe source.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
        return UInt64(littleEndian: value)
    }

    mutating func bytes(_ count: UInt64) throws(MessageError) -> [UInt8] {
        try demand(count)
        let end = offset + Int(count)
        let bytes = Array(copying: source.extracting(offset..<end))
        offset = end
        return bytes
    }

    mutating func prefixedBytes() throws(MessageError) -> [UInt8] { try bytes(try unsigned64()) }

    mutating func prefixedText() throws(MessageError) -> String {
        let count = try unsigned64()
        try demand(count)
        let end = offset + Int(count)
        do {
            let text = String(copying: try UTF8Span(validating: source.extracting(offset..<end)))
            offset = end
            return text
        } catch {
            throw .invalidText(offset: offset)
        }
    }

    /// The length of all remaining bytes, which start at ``offset``.
    mutating func lengthOfRest() throws(MessageError) {
        let count = try unsigned64()
        try demand(count)
        guard Int(count) == remaining else {
            throw .trailingBytes(offset: offset + Int(count), count: remaining - Int(count))
        }
    }

    private var remaining: Int { source.count - offset }

    /// Checked before anything is converted or allocated: `count` comes from outside.
    private func demand(_ count: UInt64) throws(MessageError) {
        guard count <= UInt64(remaining) else { throw .truncated(offset: offset, needed: count) }
    }

    func end() throws(MessageError) {
        guard remaining == 0 else { throw .trailingBytes(offset: offset, count: remaining) }
    }
}
