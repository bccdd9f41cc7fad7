/// Reads integers, bytes and text from an array and says where it fails.
struct ByteReader {
    private var source: [UInt8]
    private(set) var offset: Int

    init(_ source: consuming [UInt8], from start: Int) {
        self.source = source
        offset = start
    }

    var remaining: Int { source.count - offset }

    mutating func byte() throws(MessageError) -> UInt8 {
        try demand(1)
        defer { offset += 1 }
        return source[offset]
    }

    func peek() -> UInt8? { offset < source.count ? source[offset] : nil }

    mutating func unsigned32() throws(MessageError) -> UInt32 { UInt32(truncatingIfNeeded: try littleEndian(4)) }
    mutating func unsigned64() throws(MessageError) -> UInt64 { try littleEndian(8) }

    private mutating func littleEndian(_ count: Int) throws(MessageError) -> UInt64 {
        try demand(UInt64(count))
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(source[offset + index]) << UInt64(8 * index) }
        offset += count
        return value
    }

    mutating func bigEndian(_ count: Int) throws(MessageError) -> UInt64 {
        try demand(UInt64(count))
        var value: UInt64 = 0
        for index in 0..<count { value = value << 8 | UInt64(source[offset + index]) }
        offset += count
        return value
    }

    mutating func bytes(_ count: UInt64) throws(MessageError) -> [UInt8] {
        try demand(count)
        let end = offset + Int(count)
        defer { offset = end }
        return Array(source[offset..<end])
    }

    mutating func skip(_ count: UInt64) throws(MessageError) {
        try demand(count)
        offset += Int(count)
    }

    mutating func text(_ count: UInt64) throws(MessageError) -> String {
        try demand(count)
        let end = offset + Int(count)
        guard let text = String(validating: source[offset..<end], as: UTF8.self) else {
            throw .invalidText(offset: offset)
        }
        offset = end
        return text
    }

    mutating func prefixedBytes() throws(MessageError) -> [UInt8] { try bytes(try unsigned64()) }
    /// The bytes behind their length, which must be all that is left; nothing can be read after them.
    ///
    /// They keep the place in memory that the source has, if nobody else holds it: the longest field of a message is neither copied
    /// nor made room for.
    mutating func lastPrefixedBytes() throws(MessageError) -> [UInt8] {
        let count = try unsigned64()
        try demand(count)
        guard Int(count) == remaining else {
            throw .trailingBytes(offset: offset + Int(count), count: remaining - Int(count))
        }
        var bytes: [UInt8] = []
        swap(&bytes, &source)
        bytes.removeFirst(offset)
        offset = 0
        return bytes
    }

    mutating func prefixedText() throws(MessageError) -> String { try text(try unsigned64()) }

    /// Compared before anything is converted or made room for: `count` comes from outside.
    private func demand(_ count: UInt64) throws(MessageError) {
        guard count <= UInt64(remaining) else { throw .truncated(offset: offset, needed: count) }
    }

    func end() throws(MessageError) {
        guard remaining == 0 else { throw .trailingBytes(offset: offset, count: remaining) }
    }
}
