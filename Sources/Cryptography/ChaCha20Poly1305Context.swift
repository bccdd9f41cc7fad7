internal import COpenSSL

/// ChaCha20-Poly1305 (RFC 8439) in place, over one context of libcrypto, which holds the expanded key.
///
/// The context is allocated with the value and freed, its key overwritten, with it; sealing and opening allocate nothing. What
/// libcrypto cannot refuse traps with a reason: that memory is there, and that this libcrypto has the cipher (one that is limited
/// to FIPS algorithms has not).
///
/// `Sendable`, as every use needs exclusive access to the value, and a context belongs to one value.
@safe struct ChaCha20Poly1305Context: ~Copyable, @unchecked Sendable {
    static let tagLength = 16
    /// Most bytes that are sealed or opened at once: what a length of libcrypto holds.
    static let maximumLength = Int(Int32.max)

    /// The 12 bytes of a nonce as three words, each written little-endian.
    typealias Nonce = InlineArray<3, UInt32>

    private let context: OpaquePointer

    /// `key` is eight words, each written little-endian. The caller overwrites its copy.
    init(key: borrowing InlineArray<8, UInt32>) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { fatalError("libcrypto has no memory for a cipher") }
        unsafe self.context = context
        var bytes = InlineArray<8, UInt32>(repeating: 0)
        for index in bytes.indices { bytes[index] = key[index].littleEndian }
        defer { Wiping.wipe(&bytes) }
        // The key is copied by the call.
        let done = unsafe bytes.span.withUnsafeBytes { key in
            unsafe EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), nil, key.baseAddress, nil, 1)
        }
        Self.require(done, "takes a key for ChaCha20-Poly1305")
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// `bytes` is the plaintext followed by `tagLength` bytes of room; afterwards ciphertext ‖ tag.
    mutating func seal(_ bytes: inout MutableRawSpan, nonce: Nonce, authenticating header: RawSpan) {
        precondition(bytes.byteCount >= Self.tagLength, "no room for the tag")
        precondition(
            bytes.byteCount <= Self.maximumLength && header.byteCount <= Self.maximumLength,
            "too long to seal"
        )
        start(nonce, header, encrypting: 1)
        let length = bytes.byteCount - Self.tagLength
        // Both pointers lie in the span and are not kept; libcrypto may write where it reads.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe process(buffer, length)
            var written: Int32 = 0
            Self.require(unsafe EVP_CipherFinal_ex(context, nil, &written), "ends sealing")
            let tag = unsafe buffer.baseAddress.map { unsafe $0 + length }
            let tagged = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagLength), tag)
            Self.require(tagged, "gives the tag")
        }
    }

    /// `bytes` is ciphertext ‖ tag; true when authentic, then all but the last `tagLength` bytes are the plaintext. False: the
    /// contents are undefined.
    mutating func open(_ bytes: inout MutableRawSpan, nonce: Nonce, authenticating header: RawSpan) -> Bool {
        guard (Self.tagLength...Self.maximumLength).contains(bytes.byteCount), header.byteCount <= Self.maximumLength
        else {
            return false
        }
        start(nonce, header, encrypting: 0)
        let length = bytes.byteCount - Self.tagLength
        // Both pointers lie in the span and are not kept; libcrypto may write where it reads.
        return unsafe bytes.withUnsafeMutableBytes { buffer in
            let tag = unsafe buffer.baseAddress.map { unsafe $0 + length }
            let expected = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), tag)
            Self.require(expected, "takes the tag")
            unsafe process(buffer, length)
            var written: Int32 = 0
            // The one call that may fail: it compares the tags, in constant time.
            return unsafe EVP_CipherFinal_ex(context, nil, &written) == 1
        }
    }

    private mutating func start(_ nonce: Nonce, _ header: RawSpan, encrypting: Int32) {
        let bytes: Nonce = [nonce[0].littleEndian, nonce[1].littleEndian, nonce[2].littleEndian]
        // Without cipher and key those of the context stay.
        let started = unsafe bytes.span.withUnsafeBytes { iv in
            unsafe EVP_CipherInit_ex(context, nil, nil, nil, iv.baseAddress, encrypting)
        }
        Self.require(started, "takes a nonce of 12 bytes")
        if header.isEmpty { return }
        var written: Int32 = 0
        // Without a place for output the bytes are authenticated only.
        let taken = unsafe header.withUnsafeBytes { header in
            unsafe EVP_CipherUpdate(context, nil, &written, header.baseAddress, Int32(header.count))
        }
        Self.require(taken, "authenticates a header")
    }

    private mutating func process(_ buffer: UnsafeMutableRawBufferPointer, _ length: Int) {
        if length == 0 { return }
        var written: Int32 = 0
        let processed = unsafe EVP_CipherUpdate(
            context,
            buffer.baseAddress,
            &written,
            buffer.baseAddress,
            Int32(length)
        )
        Self.require(processed, "seals and opens in place")
    }

    /// Traps when a call that cannot fail has failed.
    private static func require(_ result: Int32, _ ability: StaticString) {
        if result != 1 { fatalError("this libcrypto no longer \(ability)") }
    }
}
