internal import Crypto
internal import IdentityCertificates
internal import Testing

@testable import Identity

/// Keys of small order: anyone can sign for them.
@Suite("Weak keys")
struct WeakKeyTests {
    /// Every encoding of a point whose order divides 8, of either sign, and every y beyond the field.
    static let weak: [[UInt8]] = {
        let order8: [[UInt8]] = [
            [
                0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
                0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
            ],
            [
                0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
                0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
            ],
        ]
        let low = (UInt8(0)...1).map { [$0] + [UInt8](repeating: 0, count: 31) }
        let high = (UInt8(0xec)...0xff).map { [$0] + [UInt8](repeating: 0xff, count: 30) + [0x7f] }
        let points = low + order8 + high
        return points + points.map { Array($0.dropLast()) + [$0[31] | 0x80] }
    }()

    @Test func `weak keys are no Endpoint ID, as bytes and as text, and the words say why`() throws {
        #expect(Self.weak.count == 48)
        for key in Self.weak {
            #expect(EndpointID(publicKey: key) == nil, "\(key)")
            let text = try #require(EndpointID(unproven: key)).description
            #expect(throws: EndpointIDError.weakKey) { try EndpointID(parsing: text) }
        }
        #expect(EndpointIDError.weakKey.description.contains("anyone could sign for it"))
        for _ in 0..<100 { #expect(EndpointID(publicKey: IdentityKey().endpointID.publicKey) != nil) }
    }

    @Test func `weak keys prove nothing, though the cryptographic library accepts a forged signature`() throws {
        // R is the neutral element and S is 0: the equation holds for A, the neutral element, and any message.
        let neutral: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
        let signature = neutral + [UInt8](repeating: 0, count: 32)
        let key = try Curve25519.Signing.PublicKey(rawRepresentation: neutral)
        #expect(key.isValidSignature(signature, for: [1, 2, 3]))
        #expect(try !#require(EndpointID(unproven: neutral)).verifies(signature, of: [1, 2, 3]))
    }

    @Test func `weak keys in a certificate are no identity`() throws {
        let key = IdentityKey()
        let der = try EndpointCertificate.make(for: key)
        let own = key.endpointID.publicKey
        let place = try #require((0..<der.count - 32).first { Array(der[$0..<$0 + 32]) == own })
        for weak in Self.weak {
            var forged = der
            forged.replaceSubrange(place..<place + 32, with: weak)
            #expect(throws: PeerIdentityError.weakKey) { try PeerIdentity.endpointID(ofLeaf: forged) }
        }
    }
}
