internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("X25519", .ownThread)
struct X25519Tests {
    private static func shared(_ secret: [UInt8], _ publicKey: [UInt8]) -> [UInt8]? {
        X25519.sharedSecret(Secret(secret), with: publicKey).map { Array($0) }
    }

    @Test func `products are those of RFC 7748, section 5.2`() {
        #expect(
            Self.shared(
                Hexadecimal.bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                Hexadecimal.bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
            ) == Hexadecimal.bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        )
        // Here u has bit 255.
        #expect(
            Self.shared(
                Hexadecimal.bytes("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                Hexadecimal.bytes("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")
            ) == Hexadecimal.bytes("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")
        )
    }

    @Test func `the thousandth product of RFC 7748's chain is the published one`() throws {
        var scalar = CurveNumbers.small(9)
        var point = scalar
        for round in 1...1000 {
            (scalar, point) = (try #require(Self.shared(scalar, point)), scalar)
            if round == 1 {
                #expect(
                    scalar == Hexadecimal.bytes("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
                )
            }
        }
        #expect(scalar == Hexadecimal.bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"))
    }

    @Test func `keys and shared secret are those of RFC 7748, section 6.1`() {
        let alice = Hexadecimal.bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let bob = Hexadecimal.bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        let alicePublic = X25519.publicKey(of: Secret(alice))
        let bobPublic = X25519.publicKey(of: Secret(bob))
        #expect(
            alicePublic == Hexadecimal.bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        )
        #expect(bobPublic == Hexadecimal.bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        let shared = Hexadecimal.bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(Self.shared(alice, bobPublic) == shared)
        #expect(Self.shared(bob, alicePublic) == shared)
    }

    @Test func `products with any point are those of libcrypto`() {
        var random = RandomBytes(seed: 2)
        let points =
            CurveNumbers.edges + CurveNumbers.lowOrder + CurveNumbers.lowOrderWithBit255
            + (0..<100).map { _ in random.bytes(32) }
        for point in points {
            let secret = random.bytes(32)
            #expect(Self.shared(secret, point) == ReferenceX25519.sharedSecret(secret, with: point))
            #expect(X25519.publicKey(of: Secret(secret)) == ReferenceX25519.publicKey(of: secret))
        }
    }

    @Test func `a point of low order has no shared secret, however it is written`() {
        var random = RandomBytes(seed: 3)
        #expect(CurveNumbers.lowOrder.count == 14)
        for point in CurveNumbers.lowOrder { #expect(Self.shared(random.bytes(32), point) == nil) }
        for point in CurveNumbers.lowOrderWithBit255 { #expect(Self.shared(random.bytes(32), point) != nil) }
    }

    @Test func `a dirty public key gives the clean key's shared secrets, here and in libcrypto`() {
        var random = RandomBytes(seed: 4)
        for number in 0..<64 {
            var secret = random.bytes(32)
            secret[0] = secret[0] & 0xf8 | UInt8(number % 8)
            let clean = X25519.publicKey(of: Secret(secret))
            let dirty = X25519.dirtyPublicKey(of: Secret(secret))
            #expect((dirty == clean) == (number % 8 == 0))
            let peer = random.bytes(32)
            let expected = ReferenceX25519.sharedSecret(peer, with: clean)
            #expect(expected != nil)
            #expect(ReferenceX25519.sharedSecret(peer, with: dirty) == expected)
            #expect(Self.shared(peer, dirty) == expected)
            #expect(Self.shared(secret, ReferenceX25519.publicKey(of: peer)) == expected)
        }
    }

    @Test func `the three lowest bits choose each of the eight points of low order once`() {
        let orders = (0..<8).map { bits in
            FieldProbe.lowOrderPart(X25519.dirtyPublicKey(of: Secret([bits] + [UInt8](1...31))))
        }
        #expect(orders == [1, 8, 4, 8, 2, 8, 4, 8])
        let keys = Set((0..<8).map { X25519.dirtyPublicKey(of: Secret([$0] + [UInt8](1...31))) })
        #expect(keys.count == 8)
    }
}
