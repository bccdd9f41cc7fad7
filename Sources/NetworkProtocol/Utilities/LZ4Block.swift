internal import CLZ4

/// An LZ4 block after its uncompressed length.
enum LZ4Block {
    /// Bytes of the length before the block.
    static let sizeLength = 4
    /// A byte of a block represents at most 255 bytes of output: as an extension of a match's length.
    static let maximumRatio = 255

    /// The length that the block claims for its content, at most `limit` and plausible.
    static func contentSize(_ input: RawSpan, limit: Int) throws(CompressionError) -> Int {
        let length = input.byteCount
        // An empty payload is a block of one byte.
        guard length > sizeLength else { throw .truncated(.lz4, length: length) }
        // Every byte pattern is a value.
        let claimed = Int(UInt32(littleEndian: unsafe input.unsafeLoadUnaligned(as: UInt32.self)))
        guard claimed <= limit else { throw .tooLong(.lz4, claimed: UInt64(claimed), limit: limit) }
        let compressed = length - sizeLength
        guard compressed <= Int(Int32.max), claimed <= maximumRatio * compressed else {
            throw .implausible(.lz4, claimed: claimed, compressed: compressed)
        }
        return claimed
    }

    /// The uncompressed bytes. The claimed length is checked before anything is allocated.
    static func decompress(_ input: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        let claimed = try contentSize(input, limit: limit)
        let compressed = input.byteCount - sizeLength
        var written: Int32 = -1
        // Both pointers live through the call.
        let output = unsafe input.withUnsafeBytes { input in
            let block = unsafe UnsafeRawBufferPointer(rebasing: input[sizeLength...])
            return unsafe [UInt8](unsafeUninitializedCapacity: claimed) { buffer, count in
                unsafe written = LZ4_decompress_safe(
                    block.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(compressed),
                    Int32(claimed)
                )
                count = max(0, Int(written))
            }
        }
        guard written == claimed else {
            throw .malformed(.lz4, claimed: claimed, compressed: compressed, reason: nil)
        }
        return output
    }
}
