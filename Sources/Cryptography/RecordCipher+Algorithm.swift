extension RecordCipher {
    /// How records are sealed. Keys have 32 bytes and tags 16.
    ///
    /// | | XChaCha20-Poly1305 | AES-256-GCM |
    /// | --- | --- | --- |
    /// | from | draft-irtf-cfrg-xchacha-03 | NIST SP 800-38D |
    /// | nonce | prefix 16 ‖ counter 8, little-endian | prefix 4 ‖ counter 8, little-endian |
    /// | records under a key | no limit in practice | 2²³ of up to 64 KiB, 2²⁸ of up to 2 KiB |
    /// | records under a key that may fail to open | 2³⁶ | 2⁵² |
    ///
    /// The limits are those of RFC 9001, sections 6.6 and B. This type does not count. Its caller counts what it seals
    /// and what fails to open, and changes the key before it passes a limit.
    ///
    /// With the nonce of AES-256-GCM, the prefix is the fixed field and the counter the invocation field of SP 800-38D,
    /// section 8.2.1. Such nonces do not repeat before 2⁶⁴ records, so the limit of 2³² records for random nonces
    /// (section 8.3) does not apply. The limit above is lower because 16-byte blocks under one key gradually become
    /// distinguishable from random: all records together must stay below about 2³⁵ blocks (512 GiB). The prefix must
    /// come from the key schedule with the key: different keys keep apart what is sealed with one counter, and an
    /// unknown prefix makes it harder to attack many keys at once.
    ///
    /// AES-256-GCM is two to three times faster on processors with AES instructions, and slow on others.
    package enum Algorithm: Sendable, CaseIterable {
        case xChaCha20Poly1305
        case aes256GCM

        /// Bytes of a nonce before the counter.
        package var noncePrefixLength: Int {
            switch self {
            case .xChaCha20Poly1305: 16
            case .aes256GCM: 4
            }
        }
    }
}
