internal import COpenSSL

/// ChaCha20-Poly1305 (RFC 8439) in place, under one key.
///
/// The value is the key and little else, as a program may have thousands of them that do nothing: the working memory of libcrypto, a
/// kilobyte each, is shared by all (``CipherContexts``). Sealing and opening allocate nothing once there is one. The key is overwritten
/// with the value, in this memory too. What libcrypto cannot refuse traps with a reason: that memory is there, and that this libcrypto has
/// the cipher (one that is limited to FIPS algorithms has not).
///
/// `Sendable`, as every use needs exclusive access to the value, and its memory belongs to one value.
@safe struct ChaCha20Poly1305: ~Copyable, @unchecked Sendable {
    static let tagLength = 16
    static let keyLength = 32
    /// Most bytes that are sealed or opened at once: what a length of libcrypto holds.
    static let maximumLength = Int(Int32.max)

    /// The 12 bytes of a nonce as three words, each written little-endian.
    typealias Nonce = InlineArray<3, UInt32>

    /// On the heap, so that moving the value leaves no copy of it behind.
    private let key: UnsafeMutableRawBufferPointer
    /// Names the key to those who must not keep it; never used again.
    let number: UInt64

    /// `key` is eight words, each written little-endian. The caller overwrites its copy.
    init(key words: borrowing InlineArray<8, UInt32>) {
        unsafe key = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.keyLength, alignment: 4)
        number = CipherContexts.nextNumber()
        for index in words.indices {
            // 32 bytes are eight words.
            unsafe key.storeBytes(of: words[index].littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }

    deinit {
        CipherContexts.forget(number)
        unsafe Wiping.wipe(key)
        unsafe key.deallocate()
    }

    /// `bytes` is the plaintext followed by `tagLength` bytes of room; afterwards ciphertext ‖ tag.
    mutating func seal(_ bytes: inout MutableRawSpan, nonce: Nonce, authenticating header: RawSpan) {
        precondition(bytes.byteCount >= Self.tagLength, "no room for the tag")
        precondition(
            bytes.byteCount <= Self.maximumLength && header.byteCount <= Self.maximumLength,
            "too long to seal"
        )
        let lent = unsafe CipherContexts.lend(to: number, key)
        let context = unsafe lent.context
        defer { CipherContexts.giveBack(lent) }
        unsafe start(context, nonce, header, encrypting: 1)
        let length = bytes.byteCount - Self.tagLength
        // Both pointers lie in the span and are not kept; libcrypto may write where it reads.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe process(context, buffer, length)
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
        let lent = unsafe CipherContexts.lend(to: number, key)
        let context = unsafe lent.context
        defer { CipherContexts.giveBack(lent) }
        unsafe start(context, nonce, header, encrypting: 0)
        let length = bytes.byteCount - Self.tagLength
        // Both pointers lie in the span and are not kept; libcrypto may write where it reads.
        return unsafe bytes.withUnsafeMutableBytes { buffer in
            let tag = unsafe buffer.baseAddress.map { unsafe $0 + length }
            let expected = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), tag)
            Self.require(expected, "takes the tag")
            unsafe process(context, buffer, length)
            var written: Int32 = 0
            // The one call that may fail: it compares the tags, in constant time.
            return unsafe EVP_CipherFinal_ex(context, nil, &written) == 1
        }
    }

    private func start(_ context: OpaquePointer, _ nonce: Nonce, _ header: RawSpan, encrypting: Int32) {
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

    private func process(_ context: OpaquePointer, _ buffer: UnsafeMutableRawBufferPointer, _ length: Int) {
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
    static func require(_ result: Int32, _ ability: StaticString) {
        if result != 1 { fatalError("this libcrypto no longer \(ability)") }
    }
}
