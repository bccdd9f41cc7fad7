internal import CCurve25519

/// Elligator2 on X25519 (RFC 9380, section 6.7.1, with the non-square 2): public keys that look like random bytes.
///
/// ```
/// representative   32 bytes, little-endian
///   bits 0…253     r, at most (p − 1) / 2
///   bits 254, 255  random
/// ```
///
/// About half of all points have a representative. A public key that is to look random takes more than the map:
/// ``EphemeralKey`` does all of it. Nothing here takes a time that depends on the bytes, except that the caller learns
/// whether there is a representative.
package enum Elligator2 {
    /// Bits of the last byte of a representative that belong to r. A smaller r of the two never has more than 254 bits,
    /// so the sender fills both bits above, and the receiver drops them.
    private static let lastByteMask: UInt8 = 0x3f

    /// The map itself: the u-coordinate of a point for a field element of 255 bits; bit 255 is ignored.
    package static func map(_ element: [UInt8]) -> [UInt8] {
        precondition(element.count == X25519.keyLength, "a field element has 32 bytes")
        return unsafe X25519.array { result in
            // Both are 32 bytes long, and no pointer is kept.
            unsafe element.withUnsafeBytes { unsafe outpost_elligator2_map(result, X25519.bytes($0)) }
        }
    }

    /// The public key of a representative. Any 32 bytes are one.
    package static func decode(_ representative: [UInt8]) -> [UInt8] {
        var element = representative
        precondition(element.count == X25519.keyLength, "a representative has 32 bytes")
        element[X25519.keyLength - 1] &= lastByteMask
        return map(element)
    }

    /// A representative of a public key, or nil if it has none.
    ///
    /// - Parameters:
    ///   - publicKey: the u-coordinate of a point of the curve. Of a point of the twist, which no secret has as its
    ///     public key, the result may be the representative of another point.
    ///   - randomness: random bits: bit 0 chooses one of two representatives, bits 6 and 7 become bits 254 and 255.
    ///     With a fixed choice, or fixed bits, an observer tells representatives from random bytes.
    package static func encode(_ publicKey: [UInt8], randomness: UInt8) -> [UInt8]? {
        precondition(publicKey.count == X25519.keyLength, "a public key has 32 bytes")
        var isRepresentable: Int32 = 0
        var representative = unsafe X25519.array { result in
            // Both are 32 bytes long, and no pointer is kept.
            unsafe publicKey.withUnsafeBytes {
                isRepresentable = unsafe outpost_elligator2_inverse(result, X25519.bytes($0), randomness)
            }
        }
        guard isRepresentable == 1 else { return nil }
        representative[X25519.keyLength - 1] |= randomness & ~lastByteMask
        return representative
    }
}
