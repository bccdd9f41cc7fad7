internal import Cryptography

/// Memory for chunks, allocated once.
@safe final class ChunkMemory {
    private let memory: UnsafeMutableRawBufferPointer
    let count: Int

    init(count: Int) {
        self.count = count
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: count * BLAKE3.Piece.length,
            alignment: 4_096
        )
        // Otherwise bytes of the process could be read that were never written.
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { unsafe memory.deallocate() }

    /// The first `length` bytes of a chunk, for the time of the call.
    @inline(__always)
    func withBytes<Result>(_ index: Int, length: Int, _ body: (RawSpan) -> Result) -> Result {
        precondition(index >= 0 && index < count && length >= 0 && length <= BLAKE3.Piece.length, "no such chunk")
        // Inside, as checked; the span does not leave the call.
        let start = unsafe UnsafeRawBufferPointer(memory).baseAddress.map { unsafe $0 + index * BLAKE3.Piece.length }
        return unsafe body(UnsafeRawBufferPointer(start: start, count: length).bytes)
    }

    /// The same, to change.
    @inline(__always)
    func withMutableBytes<Result, Failure>(
        _ index: Int,
        length: Int,
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(index >= 0 && index < count && length >= 0 && length <= BLAKE3.Piece.length, "no such chunk")
        // As above.
        let start = unsafe memory.baseAddress.map { unsafe $0 + index * BLAKE3.Piece.length }
        var span = unsafe UnsafeMutableRawBufferPointer(start: start, count: length).mutableBytes
        return try body(&span)
    }
}

/// Copies bytes of a peer or of a file.
@inline(__always)
func copyBytes(_ bytes: RawSpan, to target: inout MutableRawSpan, at offset: Int) {
    precondition(offset >= 0 && offset <= target.byteCount - bytes.byteCount, "a copy outside of its target")
    // Both ranges are inside of their spans, as checked, and the spans do not overlap, because one of them is mutable.
    unsafe target.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { bytes in
            if let from = bytes.baseAddress, let to = target.baseAddress {
                unsafe (to + offset).copyMemory(from: from, byteCount: bytes.count)
            }
        }
    }
}
