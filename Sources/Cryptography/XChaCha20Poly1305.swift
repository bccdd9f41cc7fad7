/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for single messages in place, such as datagrams, with any nonce for
/// each.
///
/// 24 bytes are long enough for random nonces. Each call derives a key of its own and creates a libcrypto context for
/// it; for the records of a session, ``RecordCipher`` is several times faster.
package enum XChaCha20Poly1305 {
    /// Bytes of a key.
    package static let keyLength = RecordCipher.keyLength
    /// Bytes of a nonce.
    package static let nonceLength = 24
    /// Bytes of a tag, by which sealing makes a message longer.
    package static let tagLength = RecordCipher.tagLength

    /// Seals in place: `bytes` is the plaintext followed by `tagLength` bytes of room, afterwards ciphertext ‖ tag.
    ///
    /// Other lengths of key and nonce, fewer than `tagLength` and more than 2³¹ − 1 bytes are programming errors and
    /// trap.
    package static func seal(
        _ bytes: inout MutableRawSpan,
        key: some Collection<UInt8>,
        nonce: some Collection<UInt8>,
        authenticating header: RawSpan
    ) {
        var cipher = cipher(key, nonce)
        cipher.seal(&bytes, counter: counter(of: nonce), authenticating: header)
    }

    /// Opens in place: `bytes` is ciphertext ‖ tag, of any length.
    ///
    /// True if authentic; then all but the last `tagLength` bytes are the plaintext. False otherwise; then the contents
    /// are undefined and must be dropped. Other lengths of key and nonce are programming errors and trap.
    package static func open(
        _ bytes: inout MutableRawSpan,
        key: some Collection<UInt8>,
        nonce: some Collection<UInt8>,
        authenticating header: RawSpan
    ) -> Bool {
        var cipher = cipher(key, nonce)
        return cipher.open(&bytes, counter: counter(of: nonce), authenticating: header)
    }

    private static func cipher(_ key: some Collection<UInt8>, _ nonce: some Collection<UInt8>) -> RecordCipher {
        precondition(nonce.count == nonceLength, "a nonce has 24 bytes")
        return RecordCipher(
            .xChaCha20Poly1305,
            key: key,
            noncePrefix: nonce.prefix(nonceLength - 8),
            contexts: CipherContexts(capacity: 1)
        )
    }

    /// The last eight bytes, little-endian.
    private static func counter(of nonce: some Collection<UInt8>) -> UInt64 {
        nonce.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
