/// Noise's key derivation (The Noise Protocol Framework, revision 34, section 4.3) with BLAKE2s: HKDF (RFC 5869) with
/// the chaining key as its salt and no info.
package enum NoiseHKDF {
    /// Two secrets of 32 bytes.
    package static func two(chainingKey: Secret, input: Span<UInt8>, with hash: inout BLAKE2s) -> (Secret, Secret) {
        let key = code(chainingKey, input, with: &hash)
        let first = output(key, after: nil, number: 1, with: &hash)
        return (first, output(key, after: first, number: 2, with: &hash))
    }

    /// Three secrets of 32 bytes, the first two as ``two(chainingKey:input:with:)`` gives them.
    package static func three(
        chainingKey: Secret,
        input: Span<UInt8>,
        with hash: inout BLAKE2s
    ) -> (Secret, Secret, Secret) {
        let key = code(chainingKey, input, with: &hash)
        let first = output(key, after: nil, number: 1, with: &hash)
        let second = output(key, after: first, number: 2, with: &hash)
        return (first, second, output(key, after: second, number: 3, with: &hash))
    }

    private static func code(_ key: Secret, _ input: Span<UInt8>, with hash: inout BLAKE2s) -> Secret {
        key.withBytes { HMACBLAKE2s.code(of: input, key: $0, with: &hash) }
    }

    /// The code of the previous output and a byte that counts.
    private static func output(
        _ key: Secret,
        after previous: Secret?,
        number: UInt8,
        with hash: inout BLAKE2s
    ) -> Secret {
        let counter: InlineArray<1, UInt8> = [number]
        return key.withBytes { key in
            guard let previous else { return HMACBLAKE2s.code(of: counter.span, key: key, with: &hash) }
            return previous.withBytes {
                HMACBLAKE2s.code(of: $0, counter.span, key: key, with: &hash)
            }
        }
    }
}
