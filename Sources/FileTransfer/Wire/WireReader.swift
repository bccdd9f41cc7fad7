/// Reads big-endian fields from bytes of a peer, front to back. It never reads past them.
struct WireReader: ~Escapable {
    private var rest: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { rest = bytes }

    var count: Int { rest.byteCount }
    var isAtEnd: Bool { rest.isEmpty }

    /// An unsigned integer; nil if too few bytes are left.
    @_lifetime(self: copy self)
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_: Value.Type) -> Value? {
        let size = MemoryLayout<Value>.size
        guard rest.byteCount >= size else { return nil }
        let value = rest.bigEndian(at: 0, as: Value.self)
        rest = rest.extracting(droppingFirst: size)
        return value
    }

    /// The next bytes; nil if there are fewer.
    @_lifetime(self: copy self)
    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, rest.byteCount >= count else { return nil }
        let taken = Array(rest.extracting(first: count))
        rest = rest.extracting(droppingFirst: count)
        return taken
    }

    /// All that is left.
    @_lifetime(self: copy self)
    mutating func remainder() -> [UInt8] {
        let taken = Array(rest)
        rest = rest.extracting(droppingFirst: rest.byteCount)
        return taken
    }
}

extension RawSpan {
    /// The big-endian integer at an offset, which must be inside; otherwise it traps.
    @inline(__always)
    func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Value.Type) -> Value {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<Value>.size, "a field outside of its bytes")
        // Inside, as checked, and every bit pattern is an integer.
        return Value(bigEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self))
    }
}

extension MutableRawSpan {
    /// Writes a big-endian integer at an offset, which must be inside; otherwise it traps.
    @inline(__always)
    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value, at offset: Int) {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<Value>.size, "a field outside of its bytes")
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
    }
}

extension [UInt8] {
    /// The bytes as they lie in memory.
    var rawBytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Every bit pattern is a valid byte.
            unsafe span.bytes
        }
    }

    /// A copy.
    package init(_ span: RawSpan) {
        // The pointer does not leave the call.
        self = unsafe span.withUnsafeBytes { unsafe Array($0) }
    }

    /// Appends a copy of these bytes.
    static func += (bytes: inout [UInt8], span: RawSpan) {
        // The pointer does not leave the call.
        unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends an integer, big-endian.
    mutating func append<Value: FixedWidthInteger & UnsignedInteger>(bigEndian value: Value) {
        // The pointer does not leave the call.
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }

    /// Random bytes, from the kernel's generator.
    package init(randomCount count: Int) {
        var generator = SystemRandomNumberGenerator()
        self.init()
        reserveCapacity(count)
        var word: UInt64 = 0
        for index in 0..<count {
            if index % 8 == 0 { word = generator.next() }
            append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
    }
}
