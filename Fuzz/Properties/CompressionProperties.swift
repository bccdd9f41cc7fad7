internal import NetworkProtocol

/// Compressed payloads of a peer.
enum CompressionProperties {
    /// Longest result in bytes here; with the 16 MiB of a payload each input would be slow, and reach nothing else.
    private static let limit = 1 << 20

    static func checkLZ4(_ bytes: [UInt8]) throws(PropertyBroken) { try check(bytes, .lz4) }
    static func checkZstd(_ bytes: [UInt8]) throws(PropertyBroken) { try check(bytes, .zstd) }

    /// As a compressed payload: the result is not longer than the limit, is refused under a lower one, and comes back
    /// when it is compressed again. As a plain payload: what it is compressed to is smaller and comes back.
    private static func check(_ bytes: [UInt8], _ algorithm: CompressionAlgorithm) throws(PropertyBroken) {
        switch decompress(bytes, algorithm, limit) {
        case .success(let plain):
            try require(plain.count <= limit, "\(plain.count) bytes came out")
            try require(
                algorithm == .zstd || plain.count <= 255 * bytes.count,
                "\(bytes.count) bytes of LZ4 gave \(plain.count)"
            )
            if !plain.isEmpty {
                let under = decompress(bytes, algorithm, plain.count - 1)
                let expected = CompressionError.tooLong(algorithm, claimed: UInt64(plain.count), limit: plain.count - 1)
                try require(under == .failure(expected), "a lower limit gave \(under)")
            }
            try require(
                decompress(bytes + [0], algorithm, limit) != .success(plain),
                "a byte behind the payload was taken"
            )
            try checkRoundTrip(plain, algorithm)
        case .failure(let error):
            try ErrorText.check(error)
        }
        try checkRoundTrip(bytes, algorithm)
    }

    private static func checkRoundTrip(_ plain: [UInt8], _ algorithm: CompressionAlgorithm) throws(PropertyBroken) {
        var compressor = Compressor(algorithm: algorithm)
        // Any bytes are good values.
        guard let compressed = compressor.compress(unsafe plain.span.bytes) else { return }
        try require(compressed.count < plain.count, "\(plain.count) bytes were compressed to \(compressed.count)")
        try require(
            decompress(compressed, algorithm, limit) == .success(plain),
            "what was compressed did not come back"
        )
    }

    private static func decompress(
        _ bytes: [UInt8],
        _ algorithm: CompressionAlgorithm,
        _ limit: Int
    ) -> Result<[UInt8], CompressionError> {
        var decompressor = Decompressor()
        do throws(CompressionError) {
            // Any bytes are good values.
            return .success(try decompressor.decompress(unsafe bytes.span.bytes, algorithm: algorithm, limit: limit))
        } catch { return .failure(error) }
    }
}
