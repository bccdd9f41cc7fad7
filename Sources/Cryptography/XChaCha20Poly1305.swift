/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for single messages in place, as datagrams are: any nonce for each.
///
/// 24 bytes are long enough to be chosen at random. Each call derives a key of its own; records of one session are faster with
/// ``RecordCipher``.
package enum XChaCha20Poly1305 {
    /// Bytes of a key.
    package static let keyLength = 32
    /// Bytes of a nonce.
    package static let nonceLength = 24
    /// Bytes of a tag, which a message is longer by when it is sealed.
    package static let tagLength = ChaCha20Poly1305.tagLength

    /// Seals in place: `bytes` is the plaintext followed by `tagLength` bytes of room, afterwards ciphertext ‖ tag.
    ///
    /// Other lengths of key and nonce, less than `tagLength` and more than 2³¹ − 1 bytes are errors of the caller and trap.
    package static func seal(
        _ bytes: inout MutableRawSpan,
        key: some Collection<UInt8>,
        nonce: some Collection<UInt8>,
        authenticating header: RawSpan
    ) {
        var context = context(key, nonce)
        context.seal(&bytes, nonce: shortNonce(counter(of: nonce)), authenticating: header)
    }

    /// Opens in place: `bytes` is ciphertext ‖ tag, of any length.
    ///
    /// True when authentic; then all but the last `tagLength` bytes are the plaintext. False otherwise; then the contents are
    /// undefined and must be dropped. Other lengths of key and nonce are errors of the caller and trap.
    package static func open(
        _ bytes: inout MutableRawSpan,
        key: some Collection<UInt8>,
        nonce: some Collection<UInt8>,
        authenticating header: RawSpan
    ) -> Bool {
        var context = context(key, nonce)
        return context.open(&bytes, nonce: shortNonce(counter(of: nonce)), authenticating: header)
    }

    /// The nonce of ChaCha20-Poly1305 that goes with a derived key: four zero bytes, then the last eight of the long nonce.
    static func shortNonce(_ counter: UInt64) -> ChaCha20Poly1305.Nonce {
        [0, UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32)]
    }

    private static func context(
        _ key: some Collection<UInt8>,
        _ nonce: some Collection<UInt8>
    ) -> ChaCha20Poly1305 {
        precondition(key.count == keyLength, "a key has 32 bytes")
        precondition(nonce.count == nonceLength, "a nonce has 24 bytes")
        var subkey = HChaCha20.subkey(key: key, prefix: nonce.prefix(nonceLength - 8))
        defer { Wiping.wipe(&subkey) }
        return ChaCha20Poly1305(key: subkey)
    }

    /// The last eight bytes, little-endian.
    private static func counter(of nonce: some Collection<UInt8>) -> UInt64 {
        nonce.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
