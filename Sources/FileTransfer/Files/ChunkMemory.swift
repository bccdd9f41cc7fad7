internal import Cryptography

/// Memory for chunks, each allocated when it is first used.
@safe final class ChunkMemory {
    private var slots: [UnsafeMutableRawPointer?]

    init(count: Int) { unsafe slots = Array(repeating: nil, count: count) }

    deinit { for index in unsafe slots.indices { unsafe slots[index]?.deallocate() } }

    var count: Int { unsafe slots.count }

    @inline(__always)
    private func start(_ index: Int) -> UnsafeMutableRawPointer {
        if let slot = unsafe slots[index] { return unsafe slot }
        return unsafe allocate(index)
    }

    @inline(never)
    private func allocate(_ index: Int) -> UnsafeMutableRawPointer {
        let slot = UnsafeMutableRawPointer.allocate(byteCount: BLAKE3.Piece.length, alignment: 4_096)
        // Otherwise bytes of the process could be read that were never written.
        unsafe slot.initializeMemory(as: UInt8.self, repeating: 0, count: BLAKE3.Piece.length)
        unsafe slots[index] = slot
        return unsafe slot
    }

    /// The first `length` bytes of a chunk, for the time of the call.
    @inline(__always)
    func withBytes<Result>(_ index: Int, length: Int, _ body: (RawSpan) -> Result) -> Result {
        precondition(length >= 0 && length <= BLAKE3.Piece.length, "a chunk is not so long")
        // Inside, as checked; the span does not leave the call.
        return unsafe body(UnsafeRawBufferPointer(start: start(index), count: length).bytes)
    }

    /// The same, to change.
    @inline(__always)
    func withMutableBytes<Result, Failure>(
        _ index: Int,
        length: Int,
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(length >= 0 && length <= BLAKE3.Piece.length, "a chunk is not so long")
        // As above.
        var span = unsafe UnsafeMutableRawBufferPointer(start: start(index), count: length).mutableBytes
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
