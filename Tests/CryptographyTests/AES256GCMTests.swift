internal import Cryptography
internal import OwnThread
internal import Testing

@Suite("AES-256-GCM", .ownThread)
struct AES256GCMTests {
    /// Ciphertext ‖ tag of one message.
    private static func sealed(_ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], header: [UInt8]) -> [UInt8] {
        var cipher = RecordCipher(.aes256GCM, key: key, noncePrefix: nonce.prefix(4), contexts: CipherContexts())
        let sealed = cipher.sealed(plaintext, counter: counter(of: nonce), header: header)
        let opened = cipher.opened(sealed, counter: counter(of: nonce), header: header)
        #expect(opened == plaintext)
        return sealed
    }

    private static func counter(of nonce: [UInt8]) -> UInt64 {
        nonce.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    struct Vector: Sendable {
        let name: String
        let key, nonce, plaintext, header, sealed: String
    }

    /// The four of 256 bits with a nonce of 96 that NIST took with the proposal: McGrew and Viega, "The Galois/Counter
    /// Mode of Operation (GCM)", revised 31 May 2005, appendix B, test cases 13 to 16. The ciphertext of 15 is that of
    /// 16 and four bytes more.
    static let vectors = [
        Vector(
            name: "13",
            key: String(repeating: "00", count: 32),
            nonce: String(repeating: "00", count: 12),
            plaintext: "",
            header: "",
            sealed: "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        Vector(
            name: "14",
            key: String(repeating: "00", count: 32),
            nonce: String(repeating: "00", count: 12),
            plaintext: String(repeating: "00", count: 16),
            header: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919"
        ),
        Vector(
            name: "15",
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            plaintext: """
                d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255
                """,
            header: "",
            sealed: """
                522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad
                b094dac5d93471bdec1a502270e3cc6c
                """
        ),
        Vector(
            name: "16",
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            plaintext: """
                d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
                """,
            header: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: """
                522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
                76fc6ece0f4e1768cddf8853bb2d551b
                """
        ),
    ]

    @Test(arguments: vectors)
    func `sealing gives the ciphertext and tag of the proposal's test cases, and they open again`(_ vector: Vector) {
        let sealed = Self.sealed(
            Hexadecimal.bytes(vector.plaintext),
            key: Hexadecimal.bytes(vector.key),
            nonce: Hexadecimal.bytes(vector.nonce),
            header: Hexadecimal.bytes(vector.header)
        )
        #expect(sealed == Hexadecimal.bytes(vector.sealed))
    }

    @Test func `a packet of 1452 bytes with the counter at its end is what another implementation makes of it`() {
        // Made with PyCryptodome 4.4.0: AES.new(bytes(range(32)), AES.MODE_GCM, nonce=bytes.fromhex("a0a1a2a3") +
        // b"\xff" * 8) .update(bytes(range(16))), of bytes(i * 7 % 256 for i in range(1436)); the last 32 bytes of the
        // ciphertext, and the tag.
        let sealed = Self.sealed(
            (0..<1436).map { UInt8(truncatingIfNeeded: $0 * 7) },
            key: Array(0..<32),
            nonce: Hexadecimal.bytes("a0a1a2a3ffffffffffffffff"),
            header: Array(0..<16)
        )
        #expect(sealed.count == 1452)
        #expect(
            Hexadecimal.text(sealed.suffix(48))
                == "a5186383e070efc295aadca4800e3569b96a98dfae5d53194789c5b9f0f494e135788d5f86893284a24c702f60a86453"
        )
    }

    @Test func `400 random messages are sealed the same by BoringSSL, which opens ours and refuses the same damage`()
        throws
    {
        var random = RandomBytes(seed: 0x6f75_7470_6f73_7422)
        let contexts = CipherContexts()
        for number in 0..<400 {
            let key = random.bytes(32)
            let nonce = random.bytes(12)
            let header = random.bytes(Int.random(in: 0...40, using: &random))
            let text = random.bytes(number < 140 ? number : Int.random(in: 140...3000, using: &random))
            var cipher = RecordCipher(.aes256GCM, key: key, noncePrefix: nonce.prefix(4), contexts: contexts)
            let counter = Self.counter(of: nonce)
            let sealed = cipher.sealed(text, counter: counter, header: header)
            let theirs = try ReferenceAEAD.sealed(.aes256GCM, text, key: key, nonce: nonce, header: header)
            #expect(sealed == theirs)
            #expect(try ReferenceAEAD.opened(.aes256GCM, sealed, key: key, nonce: nonce, header: header) == text)
            var damaged = sealed
            damaged[Int.random(in: sealed.indices, using: &random)] ^= 0x10
            let opened = cipher.opened(damaged, counter: counter, header: header)
            #expect(opened == nil)
            #expect(throws: (any Error).self) {
                _ = try ReferenceAEAD.opened(.aes256GCM, damaged, key: key, nonce: nonce, header: header)
            }
        }
    }
}
