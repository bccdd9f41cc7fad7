internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("XChaCha20-Poly1305", .ownThread)
struct XChaCha20Poly1305Tests {
    static let sunscreen = Array(
        ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            + "sunscreen would be it.").utf8
    )
    static let key = Array(UInt8(0x80)...0x9f)
    static let header = Hexadecimal.bytes("50515253c0c1c2c3c4c5c6c7")

    @Test func `HChaCha20 gives the key of the draft's section 2.2.1`() {
        let subkey = HChaCha20.subkey(
            key: Array(UInt8(0)...31),
            prefix: Hexadecimal.bytes("000000090000004a0000000031415927")
        )
        let bytes = subkey.indices.flatMap { index in
            (0..<4).map { UInt8(truncatingIfNeeded: subkey[index] >> (8 * $0)) }
        }
        #expect(
            bytes
                == Hexadecimal.bytes("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
        )
    }

    @Test func `sealing gives the ciphertext and tag of the draft's appendix A.3.1, and they open again`() {
        let nonce = Array(UInt8(0x40)...0x57)
        let expected = Hexadecimal.bytes(
            """
            bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb
            731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452
            2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
            21f9664c97637da9768812f615c68b13b52e
            c0875924c1c7987947deafd8780acf49
            """
        )
        let sealed = XChaCha20Poly1305.sealed(Self.sunscreen, key: Self.key, nonce: nonce, header: Self.header)
        #expect(sealed == expected)
        #expect(
            XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: Self.header) == Self.sunscreen
        )
    }

    @Test func `the inner cipher gives the ciphertext and tag of RFC 8439, section 2.8.2`() {
        var key = InlineArray<8, UInt32>(repeating: 0)
        for (index, byte) in Self.key.enumerated() { key[index / 4] |= UInt32(byte) << (8 * UInt32(index % 4)) }
        var inner = AEADKey(.xChaCha20Poly1305, key: key, contexts: CipherContexts())
        var bytes = Self.sunscreen + [UInt8](repeating: 0, count: 16)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        inner.seal(&raw, nonce: [7, 0x4342_4140, 0x4746_4544], authenticating: Self.header.span.bytes)
        #expect(
            bytes
                == Hexadecimal.bytes(
                    """
                    d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
                    3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
                    92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
                    3ff4def08e4b7a9de576d26586cec64b6116
                    1ae10b594f09e26a7e902ecbd0600691
                    """
                )
        )
    }

    @Test(
        arguments: [[], [1, 2, 3]] as [[UInt8]]
    )
    func `a message without plaintext is its tag, with and without a header`(_ header: [UInt8]) {
        let nonce = [UInt8](repeating: 9, count: 24)
        let sealed = XChaCha20Poly1305.sealed([], key: Self.key, nonce: nonce, header: header)
        #expect(sealed.count == XChaCha20Poly1305.tagLength)
        #expect(XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: header) == [])
        #expect(XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: header + [0]) == nil)
    }

    @Test func `another key, nonce or header does not open a message, whichever of their bits differs`() {
        let nonce = Array(UInt8(0x40)...0x57)
        let sealed = XChaCha20Poly1305.sealed(Self.sunscreen, key: Self.key, nonce: nonce, header: Self.header)
        func flipped(_ bytes: [UInt8]) -> [[UInt8]] {
            (0..<bytes.count * 8).map { bit in
                var other = bytes
                other[bit / 8] ^= 1 << (bit % 8)
                return other
            }
        }
        for key in flipped(Self.key) {
            #expect(XChaCha20Poly1305.opened(sealed, key: key, nonce: nonce, header: Self.header) == nil)
        }
        for nonce in flipped(nonce) {
            #expect(XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: Self.header) == nil)
        }
        for header in flipped(Self.header) {
            #expect(XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: header) == nil)
        }
    }
}
