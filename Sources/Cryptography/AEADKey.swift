internal import COpenSSL

/// A key for ChaCha20-Poly1305 (RFC 8439) or AES-256-GCM (NIST SP 800-38D) that seals and opens in place. Both use a
/// 12-byte nonce and a 16-byte tag.
///
/// The value is little more than the key, because a program may have thousands that are idle. It uses one of its
/// owner's ``CipherContexts``. Sealing and opening allocate nothing once a context holds the key. The key is
/// overwritten when the value is destroyed, there too.
@safe struct AEADKey: ~Copyable {
    static let tagLength = 16
    static let keyLength = 32
    /// Most bytes in one call: the range of a length in libcrypto.
    static let maximumLength = Int(Int32.max)

    /// The 12 bytes of a nonce as three words, each written little-endian.
    typealias Nonce = InlineArray<3, UInt32>

    private let contexts: CipherContexts
    /// On the heap, so that moving the value leaves no copy behind.
    private let key: UnsafeMutableRawPointer
    /// Identifies the key in `contexts`; never reused there.
    let number: UInt64
    /// The slot of its last context, which another key may have taken since.
    private var slot = 0
    private let algorithm: RecordCipher.Algorithm

    /// `key` is eight words, each written little-endian. The caller overwrites its copy.
    init(
        _ algorithm: RecordCipher.Algorithm,
        key words: borrowing InlineArray<8, UInt32>,
        contexts: CipherContexts
    ) {
        self.algorithm = algorithm
        self.contexts = contexts
        number = contexts.nextNumber()
        unsafe key = UnsafeMutableRawPointer.allocate(byteCount: Self.keyLength, alignment: 4)
        for index in words.indices {
            // 32 bytes are eight words.
            unsafe key.storeBytes(of: words[index].littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }

    /// `key` has 32 bytes. The caller overwrites its copy.
    init(_ algorithm: RecordCipher.Algorithm, key bytes: some Collection<UInt8>, contexts: CipherContexts) {
        precondition(bytes.count == Self.keyLength, "a key has 32 bytes")
        self.algorithm = algorithm
        self.contexts = contexts
        number = contexts.nextNumber()
        unsafe key = UnsafeMutableRawPointer.allocate(byteCount: Self.keyLength, alignment: 4)
        for (index, byte) in bytes.enumerated() {
            // As many bytes as were compared.
            unsafe key.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
    }

    deinit {
        contexts.forget(number, in: slot)
        unsafe Wiping.wipe(UnsafeMutableRawBufferPointer(start: key, count: Self.keyLength))
        unsafe key.deallocate()
    }

    /// `bytes` is the plaintext followed by `tagLength` bytes of room; afterwards ciphertext ‖ tag.
    mutating func seal(_ bytes: inout MutableRawSpan, nonce: Nonce, authenticating header: RawSpan) {
        precondition(bytes.byteCount >= Self.tagLength, "no room for the tag")
        precondition(
            bytes.byteCount <= Self.maximumLength && header.byteCount <= Self.maximumLength,
            "too long to seal"
        )
        let context = unsafe context()
        unsafe Self.start(context, nonce, header, encrypting: 1)
        let length = bytes.byteCount - Self.tagLength
        // Both pointers are inside the span and are not kept; libcrypto may write where it reads.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe Self.process(context, buffer, length)
            var written: Int32 = 0
            Libcrypto.require(unsafe EVP_CipherFinal_ex(context, nil, &written), "ends sealing")
            let tag = unsafe buffer.baseAddress.map { unsafe $0 + length }
            let tagged = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagLength), tag)
            Libcrypto.require(tagged, "gives the tag")
        }
    }

    /// `bytes` is ciphertext ‖ tag. True if authentic; then all but the last `tagLength` bytes are the plaintext.
    /// False: the contents are undefined.
    mutating func open(_ bytes: inout MutableRawSpan, nonce: Nonce, authenticating header: RawSpan) -> Bool {
        var none = MutableRawSpan()
        return open(&none, &bytes, nonce: nonce, authenticating: header)
    }

    /// The same for ciphertext ‖ tag in two pieces. The tag is in the second one.
    mutating func open(
        _ head: inout MutableRawSpan,
        _ rest: inout MutableRawSpan,
        nonce: Nonce,
        authenticating header: RawSpan
    ) -> Bool {
        guard (Self.tagLength...Self.maximumLength).contains(rest.byteCount),
            head.byteCount <= Self.maximumLength - rest.byteCount, header.byteCount <= Self.maximumLength
        else {
            return false
        }
        let context = unsafe context()
        unsafe Self.start(context, nonce, header, encrypting: 0)
        // The pointers are inside the spans and are not kept; libcrypto may write where it reads.
        unsafe head.withUnsafeMutableBytes { unsafe Self.process(context, $0, $0.count) }
        let length = rest.byteCount - Self.tagLength
        return unsafe rest.withUnsafeMutableBytes { buffer in
            unsafe Self.process(context, buffer, length)
            let tag = unsafe buffer.baseAddress.map { unsafe $0 + length }
            return unsafe Self.isAuthentic(context, tag)
        }
    }

    /// Whether all that was opened has this tag.
    static func isAuthentic(_ context: OpaquePointer, _ tag: UnsafeMutableRawPointer?) -> Bool {
        // The tag is copied by the call.
        let expected = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), tag)
        Libcrypto.require(expected, "takes the tag")
        var written: Int32 = 0
        // The only call that may fail: it compares the tags, in constant time.
        return unsafe EVP_CipherFinal_ex(context, nil, &written) == 1
    }

    /// A context that holds the key.
    private mutating func context() -> OpaquePointer {
        if let context = unsafe contexts.context(in: slot, holding: number) { return unsafe context }
        unsafe slot = contexts.prepare(algorithm, key: key, number: number)
        guard let context = unsafe contexts.context(in: slot, holding: number) else {
            fatalError("a context lost the key that it was just given")
        }
        return unsafe context
    }

    /// A context of its own, in which opening has started. The caller frees it.
    func startOpening(nonce: Nonce, authenticating header: RawSpan) -> OpaquePointer {
        precondition(header.byteCount <= Self.maximumLength, "too long to authenticate")
        let context = unsafe Libcrypto.makeContext()
        let bytes = unsafe key.assumingMemoryBound(to: UInt8.self)
        // The key is copied by the call.
        let isSet = unsafe EVP_CipherInit_ex(context, Libcrypto.cipher(of: algorithm), nil, bytes, nil, 0)
        Libcrypto.require(isSet, "takes a key of 32 bytes")
        unsafe Self.start(context, nonce, header, encrypting: 0)
        return unsafe context
    }

    private static func start(_ context: OpaquePointer, _ nonce: Nonce, _ header: RawSpan, encrypting: Int32) {
        let bytes: Nonce = [nonce[0].littleEndian, nonce[1].littleEndian, nonce[2].littleEndian]
        // Without cipher and key, the context keeps its own.
        let started = unsafe bytes.span.withUnsafeBytes { iv in
            unsafe EVP_CipherInit_ex(context, nil, nil, nil, iv.baseAddress, encrypting)
        }
        Libcrypto.require(started, "takes a nonce of 12 bytes")
        if header.isEmpty { return }
        var written: Int32 = 0
        // Without an output buffer, the bytes are only authenticated.
        let taken = unsafe header.withUnsafeBytes { header in
            unsafe EVP_CipherUpdate(context, nil, &written, header.baseAddress, Int32(header.count))
        }
        Libcrypto.require(taken, "authenticates a header")
    }

    static func process(_ context: OpaquePointer, _ buffer: UnsafeMutableRawBufferPointer, _ length: Int) {
        if length == 0 { return }
        var written: Int32 = 0
        let processed = unsafe EVP_CipherUpdate(
            context,
            buffer.baseAddress,
            &written,
            buffer.baseAddress,
            Int32(length)
        )
        Libcrypto.require(processed, "seals and opens in place")
    }
}
