/// Reads integers, bytes and text from an array, and reports where it fails.
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

    /// Checked before anything is converted or allocated: `count` comes from outside.
    private func demand(_ count: UInt64) throws(MessageError) {
        guard count <= UInt64(remaining) else { throw .truncated(offset: offset, needed: count) }
    }

    func end() throws(MessageError) {
        guard remaining == 0 else { throw .trailingBytes(offset: offset, count: remaining) }
    }
}
