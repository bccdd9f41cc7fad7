/// Seals the records of one direction of one session, or opens them, in place with XChaCha20-Poly1305.
///
/// The 24-byte nonce of a record is
///
///      0  16  prefix, the same for all records
///     16   8  counter of the record, little-endian
///
/// so HChaCha20 over the key and the prefix is done once, and each record costs one run of ChaCha20-Poly1305 whose 12-byte nonce is
/// four zero bytes and the counter. No record allocates.
///
/// A counter must never seal twice under one key and prefix: that gives away both plaintexts and the authentication of all others.
/// Counting, and refusing what is replayed or out of order, is the caller's.
///
/// The key is overwritten when the value goes.
package struct RecordCipher: ~Copyable, Sendable {
    /// Bytes of a tag, which a record is longer by when it is sealed.
    package static let tagLength = XChaCha20Poly1305.tagLength
    /// Bytes of a key.
    package static let keyLength = XChaCha20Poly1305.keyLength
    /// Bytes of a nonce before the counter.
    package static let noncePrefixLength = XChaCha20Poly1305.nonceLength - 8

    private var cipher: ChaCha20Poly1305

    /// `key` has `keyLength` bytes and `noncePrefix` has `noncePrefixLength`; any other length is an error of the caller and traps.
    package init(key: some Collection<UInt8>, noncePrefix: some Collection<UInt8>) {
        precondition(key.count == Self.keyLength, "a key has 32 bytes")
        precondition(noncePrefix.count == Self.noncePrefixLength, "a nonce prefix has 16 bytes")
        var subkey = HChaCha20.subkey(key: key, prefix: noncePrefix)
        defer { Wiping.wipe(&subkey) }
        cipher = ChaCha20Poly1305(key: subkey)
    }

    /// Seals in place: `bytes` is the plaintext followed by `tagLength` bytes of room, afterwards ciphertext ‖ tag.
    ///
    /// Less than `tagLength` or more than 2³¹ − 1 bytes are an error of the caller and trap.
    package mutating func seal(
        _ bytes: inout MutableRawSpan,
        counter: UInt64,
        authenticating header: RawSpan
    ) {
        cipher.seal(&bytes, nonce: XChaCha20Poly1305.shortNonce(counter), authenticating: header)
    }

    /// Opens in place: `bytes` is ciphertext ‖ tag, of any length.
    ///
    /// True when authentic; then all but the last `tagLength` bytes are the plaintext. False otherwise; then the contents are
    /// undefined and must be dropped.
    package mutating func open(
        _ bytes: inout MutableRawSpan,
        counter: UInt64,
        authenticating header: RawSpan
    ) -> Bool {
        cipher.open(&bytes, nonce: XChaCha20Poly1305.shortNonce(counter), authenticating: header)
    }
}
