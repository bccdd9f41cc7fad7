/// Numbers and points that code for X25519 gets wrong; 32 bytes each, little-endian.
enum CurveNumbers {
    /// 2²⁵⁵ − `distance`; p is 19 below.
    static func belowTop(_ distance: UInt8) -> [UInt8] {
        [0 &- distance] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
    }

    static func small(_ number: UInt8) -> [UInt8] { [number] + [UInt8](repeating: 0, count: 31) }

    /// −486662, the one number that the inverse map must refuse though −2u(u + A) = 0 is a square.
    static let minusA = (-ReferenceField(486662)).bytes

    /// Around zero, the middle, p, 2²⁵⁵ and the ends of limbs.
    static let edges: [[UInt8]] =
        [0, 1, 2, 9, 18, 19].map(small)
        + (1...21).map(belowTop)
        + [minusA, ReferenceField(486662).bytes]
        // (p − 1) / 2 and (p + 1) / 2.
        + [0xf6, 0xf7].map { [$0] + [UInt8](repeating: 0xff, count: 30) + [0x3f] }
        + (1..<5).flatMap { limb in
            let bit = 51 * limb
            let power = (0..<32).map { $0 == bit / 8 ? UInt8(1) << UInt8(bit % 8) : 0 }
            return [power, (ReferenceField(power) - ReferenceField(1)).bytes]
        }

    /// The points of low order: what X25519, which ignores bit 255, reads as 0, 1, −1 or one of two points of order 8
    /// (cr.yp.to/ecdh.html, "validate public keys").
    static let lowOrder: [[UInt8]] = canonicalLowOrder + canonicalLowOrder.map { $0.withLast($0[31] | 0x80) }

    private static let canonicalLowOrder: [[UInt8]] = [
        small(0), small(1), belowTop(20), belowTop(19), belowTop(18), orderEight, otherOrderEight,
    ]

    static let orderEight = Hexadecimal.bytes("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
    static let otherOrderEight = Hexadecimal.bytes("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")

    /// The other five of that list: p plus a point of order 8, 2p − 1, 2p and 2p + 1. They have low order only for code
    /// that keeps bit 255.
    static let lowOrderWithBit255: [[UInt8]] = [
        Hexadecimal.bytes("cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880"),
        Hexadecimal.bytes("4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7"),
        [0xd9] + [UInt8](repeating: 0xff, count: 31),
        [0xda] + [UInt8](repeating: 0xff, count: 31),
        [0xdb] + [UInt8](repeating: 0xff, count: 31),
    ]
}

extension [UInt8] {
    /// With another byte at the end, where the top bits of a number are.
    func withLast(_ byte: UInt8) -> [UInt8] { dropLast() + [byte] }
}
