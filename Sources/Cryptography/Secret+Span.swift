extension Secret {
    /// As many bytes as `body` fills. They are nowhere else, so the caller has no copy to overwrite.
    package convenience init(count: Int, filledBy body: (inout MutableSpan<UInt8>) -> Void) {
        self.init(repeatElement(0, count: count))
        unsafe withUnsafeBytes { bytes in
            // The memory is mutable, there is no other reference yet, and the span does not leave the call.
            let memory = unsafe UnsafeMutableBufferPointer(
                mutating: bytes.assumingMemoryBound(to: UInt8.self)
            )
            var span = unsafe memory.mutableSpan
            body(&span)
        }
    }

    /// Bytes from a generator, which must be fit for keys.
    package convenience init(count: Int, using generator: inout some RandomNumberGenerator) {
        self.init(count: count) { bytes in
            var word: UInt64 = 0
            for index in 0..<count {
                if index % 8 == 0 { word = generator.next() }
                bytes[index] = UInt8(truncatingIfNeeded: word)
                word >>= 8
            }
        }
    }

    /// The bytes, for the time of the call.
    package func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        // The span does not leave the call.
        unsafe withUnsafeBytes { unsafe body($0.assumingMemoryBound(to: UInt8.self).span) }
    }
}
