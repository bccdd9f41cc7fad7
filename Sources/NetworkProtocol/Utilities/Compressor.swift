internal import CLZ4
internal import CZstd
internal import Cryptography

/// Compresses payloads, with working memory that is allocated once.
///
/// For LZ4 that is 16 KiB. For Zstandard it grows with level and payload, to 2 MiB at the default level and some 80 MiB
/// at the highest: share one between connections.
///
/// `Sendable`, because every use needs exclusive access to the value.
@safe package struct Compressor: ~Copyable, @unchecked Sendable {
    package let algorithm: CompressionAlgorithm
    private let level: Int
    /// LZ4's state, or Zstandard's context.
    private let context: UnsafeMutableRawPointer

    /// `level` is one of the algorithm's ``CompressionAlgorithm/levels``, by default its default; another one is a
    /// programming error and traps, as does a lack of memory.
    package init(algorithm: CompressionAlgorithm, level: Int? = nil) {
        let level = level ?? algorithm.defaultLevel
        precondition(algorithm.levels.contains(level), "a level that this algorithm does not have")
        self.algorithm = algorithm
        self.level = level
        switch algorithm {
        case .lz4:
            unsafe context = UnsafeMutableRawPointer.allocate(byteCount: Int(LZ4_sizeofState()), alignment: 16)
        case .zstd:
            guard let created = unsafe ZSTD_createCCtx() else { fatalError("no memory for a Zstandard context") }
            unsafe context = UnsafeMutableRawPointer(created)
            let set = unsafe ZSTD_CCtx_setParameter(created, ZSTD_c_compressionLevel, Int32(level))
            precondition(ZSTD_isError(set) == 0, "Zstandard has the level")
        }
    }

    deinit {
        switch algorithm {
        case .lz4: unsafe context.deallocate()
        case .zstd: _ = unsafe ZSTD_freeCCtx(OpaquePointer(context))
        }
    }

    /// The compressed form of `input`, or nil if it would not be smaller, or if `input` is longer than
    /// ``CompressionAlgorithm/maximumDecompressedLength`` and no peer would accept it.
    ///
    /// The array has room for the tag of a sealed record, so sealing it allocates nothing.
    package mutating func compress(_ input: RawSpan) -> [UInt8]? {
        guard (1...CompressionAlgorithm.maximumDecompressedLength).contains(input.byteCount) else { return nil }
        let room = input.byteCount + RecordCipher.tagLength
        // Both pointers live through the call. The libraries give up if the output would not be smaller than the input.
        let output = unsafe input.withUnsafeBytes { input in
            unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let buffer = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<(input.count - 1)]
                )
                count =
                    switch algorithm {
                    case .lz4: unsafe compressLZ4(input, buffer)
                    case .zstd: unsafe compressZstd(input, buffer)
                    }
            }
        }
        return output.isEmpty ? nil : output
    }

    /// How many bytes were written; 0 if there is too little room.
    private func compressLZ4(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Int {
        guard output.count > LZ4Block.sizeLength, let start = output.baseAddress else { return 0 }
        let length = UInt32(input.count)
        for index in 0..<LZ4Block.sizeLength {
            unsafe output[index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index))
        }
        let written = unsafe LZ4_compress_fast_extState(
            context,
            input.baseAddress?.assumingMemoryBound(to: CChar.self),
            (start + LZ4Block.sizeLength).assumingMemoryBound(to: CChar.self),
            Int32(input.count),
            Int32(output.count - LZ4Block.sizeLength),
            Int32(level)
        )
        return written > 0 ? LZ4Block.sizeLength + Int(written) : 0
    }

    /// How many bytes were written; 0 if there is too little room.
    private func compressZstd(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Int {
        // A whole payload at once: its size is known and written into the frame.
        let written = unsafe ZSTD_compress2(
            OpaquePointer(context),
            output.baseAddress,
            output.count,
            input.baseAddress,
            input.count
        )
        return ZSTD_isError(written) == 0 ? written : 0
    }
}
