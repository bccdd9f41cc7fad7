internal import CBLAKE3

/// BLAKE3 (the paper's version of 2021-11-02): hash, keyed hash, key derivation, and the tree behind them.
///
/// | input | call |
/// | --- | --- |
/// | whole in memory | ``hash(_:)``, ``keyedHash(_:key:)``, ``deriveKey(_:from:count:)`` |
/// | in parts; any length of output | ``Hasher`` |
/// | a file in pieces of 256 KiB, each verifiable alone | ``Piece``, ``Fold`` |
/// | many messages of 16 bytes | ``keyedHashes(ofShortMessages:key:into:)`` |
///
/// Nothing here allocates, except for what it returns and the state of a ``Hasher``.
package enum BLAKE3 {
    /// Bytes of a digest.
    package static let digestLength = Int(OUTPOST_BLAKE3_VALUE_BYTES)
    /// Bytes of a key.
    package static let keyLength = Int(OUTPOST_BLAKE3_KEY_BYTES)
    /// Bytes of a short message.
    package static let shortMessageLength = Int(OUTPOST_BLAKE3_SHORT_BYTES)

    /// The digest of these bytes.
    package static func hash(_ bytes: RawSpan) -> Digest {
        var digest = Bytes(repeating: 0)
        // Both pointers are inside their spans and are not kept.
        unsafe bytes.withUnsafeBytes { input in
            unsafe withOutput(&digest) { unsafe outpost_blake3_hash(input.baseAddress, input.count, $0) }
        }
        return Digest(storage: digest)
    }

    /// The digest under a key of `keyLength` bytes: a message authentication code.
    ///
    /// Another length of the key is a programming error and traps.
    package static func keyedHash(_ bytes: RawSpan, key: Secret) -> Digest {
        precondition(key.count == keyLength, "a key has 32 bytes")
        var digest = Bytes(repeating: 0)
        // The pointers are valid during the call and are not kept; the key has the length that was checked.
        unsafe bytes.withUnsafeBytes { input in
            unsafe key.withUnsafeBytes { key in
                unsafe withOutput(&digest) { digest in
                    // A key of 32 bytes has an address.
                    if let key = key.baseAddress {
                        unsafe outpost_blake3_keyed_hash(key, input.baseAddress, input.count, digest)
                    }
                }
            }
        }
        return Digest(storage: digest)
    }

    /// The keyed hashes of many messages of `shortMessageLength` bytes, several at once: a few nanoseconds each.
    ///
    /// - Parameters:
    ///   - messages: one after the other.
    ///   - output: takes the first bytes of each hash, one after the other. Its length says how many bytes each has: at
    ///     most `digestLength`, the same for all.
    ///
    /// Other lengths are programming errors and trap.
    package static func keyedHashes(
        ofShortMessages messages: RawSpan,
        key: Secret,
        into output: inout MutableRawSpan
    ) {
        precondition(key.count == keyLength, "a key has 32 bytes")
        let (count, rest) = messages.byteCount.quotientAndRemainder(dividingBy: shortMessageLength)
        precondition(rest == 0, "a short message has 16 bytes")
        if count == 0 {
            precondition(output.isEmpty, "no message has no hash")
            return
        }
        let (length, more) = output.byteCount.quotientAndRemainder(dividingBy: count)
        precondition(more == 0 && (1...digestLength).contains(length), "each hash has the same 1 to 32 bytes")
        // The pointers are valid during the call and are not kept; the lengths are those that were checked.
        unsafe messages.withUnsafeBytes { messages in
            unsafe key.withUnsafeBytes { key in
                unsafe output.withUnsafeMutableBytes { output in
                    // A key of 32 bytes has an address.
                    if let key = key.baseAddress {
                        unsafe outpost_blake3_keyed_many(key, messages.baseAddress, count, output.baseAddress, length)
                    }
                }
            }
        }
    }

    /// A key derived from key material.
    ///
    /// - Parameters:
    ///   - context: what the key is for, such as `courier/1 root`: a constant of the program that no other
    ///     program uses.
    ///   - material: a secret that cannot be guessed; not a password.
    ///   - count: bytes of the key; any number.
    package static func deriveKey(
        _ context: StaticString,
        from material: Secret,
        count: Int = BLAKE3.keyLength
    ) -> Secret {
        var hasher = Hasher(derivingKeysFor: context)
        hasher.update(material)
        return hasher.secret(count: count)
    }

    /// Gives C the memory of a digest or chaining value.
    @inline(__always)
    static func withOutput(_ bytes: inout Bytes, _ body: (UnsafeMutableRawPointer) -> Void) {
        var span = bytes.mutableSpan
        // Every bit pattern is a valid byte, and 32 bytes have an address.
        unsafe span.withUnsafeMutableBytes { buffer in
            if let address = buffer.baseAddress { unsafe body(address) }
        }
    }

    /// Gives C a digest or chaining value to read.
    @inline(__always)
    static func withInput<Result>(_ bytes: Bytes, _ body: (UnsafeRawPointer) -> Result) -> Result {
        let span = bytes.span
        return unsafe span.withUnsafeBytes { buffer in
            guard let address = buffer.baseAddress else { fatalError("32 bytes have no address") }
            return unsafe body(address)
        }
    }
}
