internal import COpenSSL

/// Computes the masks of packet numbers from samples of the sealed bytes (RFC 9001, section 5.4): one AES block each,
/// or BLAKE3's keyed hash.
///
/// Samples are collected, and their masks computed together: for AES-256 that takes 4 ns for each of 44, and 30 ns for
/// a single one, because a call of libcrypto takes most of it. No sample allocates. The key is overwritten when the
/// value is destroyed.
@safe struct HeaderProtection: ~Copyable {
    /// Samples that may be collected: the most datagrams of one segmented message (Linux, `UDP_MAX_SEGMENTS`, 64 until
    /// 6.9).
    static let capacity = 64
    static let sampleLength = 16

    @safe private enum Key {
        case blake3(Secret)
        /// Holds the expanded key.
        case aes(OpaquePointer)
    }

    private let key: Key
    /// From one mask to the next.
    private let maskStride: Int
    /// `capacity` samples, then as much room for masks. Only ciphertext and masks, no key.
    private let memory: UnsafeMutableRawBufferPointer
    /// Collected samples.
    private(set) var count = 0

    /// `secret` has 32 bytes.
    init(_ algorithm: RecordCipher.Algorithm, key secret: Secret) {
        precondition(secret.count == 32, "a header key has 32 bytes")
        unsafe memory = .allocate(byteCount: 2 * Self.capacity * Self.sampleLength, alignment: 16)
        switch algorithm {
        case .xChaCha20Poly1305:
            key = .blake3(secret)
            maskStride = MemoryLayout<UInt64>.size
        case .aes256GCM:
            unsafe key = .aes(AES256.makeContext(secret))
            maskStride = AES256.blockLength
        }
    }

    deinit {
        // libcrypto overwrites the key.
        if case .aes(let context) = key { unsafe EVP_CIPHER_CTX_free(context) }
        unsafe memory.deallocate()
    }

    /// Adds the sample of a packet, as number `count`.
    @inline(__always)
    mutating func collect(_ packet: borrowing MutableRawSpan, at start: Int) {
        precondition(count < Self.capacity, "too many samples")
        // The call checks its bounds; the place in the memory is below `capacity` samples. A sample has two words.
        let sample = unsafe packet.bytes.unsafeLoadUnaligned(
            fromByteOffset: start + PacketLayout.sealedOffset,
            as: SIMD2<UInt64>.self
        )
        unsafe memory.storeBytes(of: sample, toByteOffset: count * Self.sampleLength, as: SIMD2<UInt64>.self)
        count += 1
    }

    /// Computes the masks of all samples.
    mutating func computeMasks() {
        if count == 0 { return }
        let length = count * Self.sampleLength
        let samples = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
        let start = Self.capacity * Self.sampleLength
        let masks = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + count * maskStride])
        switch key {
        case .blake3(let secret):
            // Both are inside the memory of this value and do not overlap.
            let messages = unsafe UnsafeRawBufferPointer(samples).bytes
            if count == 1 {
                // A sixth faster than for one of many.
                let digest = BLAKE3.keyedHash(messages, key: secret).storage
                unsafe digest.span.withUnsafeBytes { unsafe masks.copyMemory(from: .init(rebasing: $0[..<maskStride])) }
            } else {
                var output = unsafe masks.mutableBytes
                BLAKE3.keyedHashes(ofShortMessages: messages, key: secret, into: &output)
            }
        case .aes(let context):
            var written: Int32 = 0
            // Both have `count` blocks.
            let done = unsafe EVP_EncryptUpdate(
                context,
                masks.baseAddress,
                &written,
                samples.baseAddress,
                Int32(length)
            )
            Libcrypto.require(done == 1 && written == length ? 1 : 0, "encrypts whole blocks")
        }
    }

    /// The mask of a sample, as the big-endian integer that a number is combined with.
    @inline(__always)
    func mask(_ number: Int) -> UInt64 {
        precondition(number >= 0 && number < count, "no such sample")
        let start = Self.capacity * Self.sampleLength
        // Inside the memory, as checked, and every bit pattern is an integer.
        return unsafe UInt64(bigEndian: memory.load(fromByteOffset: start + number * maskStride, as: UInt64.self))
    }

    /// Drops the samples.
    mutating func clear() { count = 0 }
}

/// AES-256 for single blocks.
private enum AES256 {
    static let blockLength = 16

    /// Looked up once, because a lookup takes a process-wide lock. Never freed.
    ///
    /// `Sendable`, because libcrypto does not change it afterwards.
    @safe private struct Cipher: @unchecked Sendable {
        let pointer: OpaquePointer

        static let ecb = Cipher()

        private init() {
            guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-ECB", nil) else {
                fatalError("this libcrypto has no AES-256-ECB")
            }
            unsafe pointer = unsafe cipher
        }
    }

    static func makeContext(_ key: Secret) -> OpaquePointer {
        let context = unsafe Libcrypto.makeContext()
        let started = unsafe key.withUnsafeBytes { key in
            // The key is copied by the call.
            unsafe EVP_EncryptInit_ex(
                context,
                Cipher.ecb.pointer,
                nil,
                key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                nil
            )
        }
        Libcrypto.require(started, "takes a key of 32 bytes")
        Libcrypto.require(unsafe EVP_CIPHER_CTX_set_padding(context, 0), "encrypts without padding")
        return unsafe context
    }
}
