/// Seals or opens the records of one direction of one session, in place.
///
/// The nonce of a record is a prefix, the same for all records, and the record's counter in 8 bytes, little-endian. See
/// ``Algorithm`` for the length of the prefix and for how many records a key may seal.
///
/// XChaCha20-Poly1305 derives a key from key and prefix once, with HChaCha20. Each record then costs one run of
/// ChaCha20-Poly1305, whose 12-byte nonce is four zero bytes and the counter. AES-256-GCM uses prefix and counter as
/// its 12-byte nonce. No record allocates.
///
/// A counter must never seal twice under one key and prefix: that reveals both plaintexts and, with AES-256-GCM, breaks
/// the authentication of all other records. The caller counts, and refuses replayed or out-of-order records.
///
/// The key is overwritten when the value is destroyed.
package struct RecordCipher: ~Copyable {
    /// Bytes of a tag, by which sealing makes a record longer.
    package static let tagLength = AEADKey.tagLength
    /// Bytes of a key.
    package static let keyLength = AEADKey.keyLength

    private var key: AEADKey
    /// The nonce's first four bytes.
    private let noncePrefix: UInt32

    /// `key` has `keyLength` bytes and `noncePrefix` has the algorithm's length; any other length is a programming
    /// error and traps.
    ///
    /// - Parameter contexts: those of the cipher's owner, which uses both on one thread at a time.
    package init(
        _ algorithm: Algorithm,
        key: some Collection<UInt8>,
        noncePrefix: some Collection<UInt8>,
        contexts: CipherContexts
    ) {
        precondition(key.count == Self.keyLength, "a key has 32 bytes")
        precondition(
            noncePrefix.count == algorithm.noncePrefixLength,
            "a nonce prefix has 16 bytes for XChaCha20-Poly1305, 4 for AES-256-GCM"
        )
        switch algorithm {
        case .xChaCha20Poly1305:
            var subkey = HChaCha20.subkey(key: key, prefix: noncePrefix)
            defer { Wiping.wipe(&subkey) }
            self.key = AEADKey(algorithm, key: subkey, contexts: contexts)
            self.noncePrefix = 0
        case .aes256GCM:
            self.key = AEADKey(algorithm, key: key, contexts: contexts)
            self.noncePrefix = noncePrefix.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Seals in place: `bytes` is the plaintext followed by `tagLength` bytes of room, afterwards ciphertext ‖ tag.
    ///
    /// Fewer than `tagLength` or more than 2³¹ − 1 bytes are a programming error and trap.
    package mutating func seal(
        _ bytes: inout MutableRawSpan,
        counter: UInt64,
        authenticating header: RawSpan
    ) {
        key.seal(&bytes, nonce: nonce(counter), authenticating: header)
    }

    /// Opens in place: `bytes` is ciphertext ‖ tag, of any length.
    ///
    /// True if authentic; then all but the last `tagLength` bytes are the plaintext. False otherwise; then the contents
    /// are undefined and must be dropped.
    package mutating func open(
        _ bytes: inout MutableRawSpan,
        counter: UInt64,
        authenticating header: RawSpan
    ) -> Bool {
        key.open(&bytes, nonce: nonce(counter), authenticating: header)
    }

    /// The same for a record in two pieces, the second of which ends with the whole tag.
    package mutating func open(
        _ head: inout MutableRawSpan,
        _ rest: inout MutableRawSpan,
        counter: UInt64,
        authenticating header: RawSpan
    ) -> Bool {
        key.open(&head, &rest, nonce: nonce(counter), authenticating: header)
    }

    /// Starts to open a record that has not arrived completely.
    package func startOpening(counter: UInt64, authenticating header: RawSpan) -> RecordOpening {
        unsafe RecordOpening(context: key.startOpening(nonce: nonce(counter), authenticating: header))
    }

    private func nonce(_ counter: UInt64) -> AEADKey.Nonce {
        [noncePrefix, UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32)]
    }
}
