/// HMAC (RFC 2104) with BLAKE2s.
package enum HMACBLAKE2s {
    /// The code of `first` ‖ `second`, 32 bytes.
    ///
    /// - Parameters:
    ///   - key: of any length.
    ///   - hash: between two messages, and so afterwards.
    package static func code(
        of first: Span<UInt8>,
        _ second: Span<UInt8> = Span<UInt8>(),
        key: Span<UInt8>,
        with hash: inout BLAKE2s
    ) -> Secret {
        var block = InlineArray<64, UInt8>(repeating: 0)
        defer { Wiping.wipe(&block) }
        fill(&block, with: key, hashing: &hash)
        return Secret(count: BLAKE2s.digestLength) { code in
            mask(&block, with: 0x36)
            hash.update(block.span)
            hash.update(first)
            hash.update(second)
            hash.finish(into: &code)
            // Out of the key with the inner mask, the key with the outer mask.
            mask(&block, with: 0x36 ^ 0x5c)
            hash.update(block.span)
            hash.update(code.span)
            hash.finish(into: &code)
        }
    }

    /// The key, or the digest of a long one; zeros follow.
    private static func fill(
        _ block: inout InlineArray<64, UInt8>,
        with key: Span<UInt8>,
        hashing hash: inout BLAKE2s
    ) {
        var span = block.mutableSpan
        if key.count > BLAKE2s.blockLength {
            hash.update(key)
            hash.finish(into: &span)
        } else {
            for index in key.indices { span[index] = key[index] }
        }
    }

    private static func mask(_ block: inout InlineArray<64, UInt8>, with byte: UInt8) {
        for index in block.indices { block[index] ^= byte }
    }
}
