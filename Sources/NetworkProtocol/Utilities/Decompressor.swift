internal import CZstd

/// Decompresses payloads, with working memory that is allocated once: for Zstandard some 200 KiB, with the first such
/// payload; for LZ4 none.
///
/// Whatever the source, memory is bounded before it is allocated: by the limit and by what the compressed bytes can
/// represent at all.
///
/// `Sendable`, because every use needs exclusive access to the value.
@safe package struct Decompressor: ~Copyable, @unchecked Sendable {
    private var zstd: OpaquePointer?

    package init() {}

    deinit { _ = unsafe ZSTD_freeDCtx(zstd) }

    /// The uncompressed form of all of `input`. One array of the claimed size is allocated.
    ///
    /// - Parameter limit: longest result in bytes; never more than ``CompressionAlgorithm/maximumDecompressedLength``.
    package mutating func decompress(
        _ input: RawSpan,
        algorithm: CompressionAlgorithm,
        limit: Int = CompressionAlgorithm.maximumDecompressedLength
    ) throws(CompressionError) -> [UInt8] {
        let limit = min(max(limit, 0), CompressionAlgorithm.maximumDecompressedLength)
        switch algorithm {
        case .lz4: return try LZ4Block.decompress(input, limit: limit)
        case .zstd: return try decompressZstd(input, limit: limit)
        }
    }

    private mutating func decompressZstd(_ input: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        let claimed = try ZstdFrame.contentSize(input, limit: limit)
        try ZstdFrame.checkEnd(input, claimed: claimed)
        let context = unsafe self.context()
        var written = 0
        // Both pointers live through the call. The frame is decoded straight into the array, so no window is allocated.
        let output = unsafe input.withUnsafeBytes { input in
            unsafe [UInt8](unsafeUninitializedCapacity: claimed) { buffer, count in
                unsafe written = ZSTD_decompressDCtx(
                    context,
                    buffer.baseAddress,
                    claimed,
                    input.baseAddress,
                    input.count
                )
                count = ZSTD_isError(written) == 0 ? written : 0
            }
        }
        if ZSTD_isError(written) != 0 {
            throw .malformed(.zstd, claimed: claimed, compressed: input.byteCount, reason: ZstdFrame.reason(written))
        }
        guard written == claimed else {
            throw .malformed(.zstd, claimed: claimed, compressed: input.byteCount, reason: nil)
        }
        return output
    }

    private mutating func context() -> OpaquePointer {
        if let zstd = unsafe zstd { return unsafe zstd }
        guard let created = unsafe ZSTD_createDCtx() else { fatalError("no memory for a Zstandard context") }
        unsafe zstd = created
        return unsafe created
    }
}
