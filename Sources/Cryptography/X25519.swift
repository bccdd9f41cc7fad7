internal import CCurve25519

/// X25519 (RFC 7748): secrets and public keys of 32 bytes. A secret is clamped wherever it is used.
///
/// The arithmetic is our own, in C, in constant time, because hidden public keys (``Elligator2``) need it in any case.
/// libcrypto's X25519 is about as fast, but each of its calls allocates a key, a context and a copy of the secret.
package enum X25519 {
    /// Bytes of a secret, of a public key, of a shared secret, of a representative.
    package static let keyLength = 32

    /// A multiple of the base point, as RFC 7748 has it.
    package static func publicKey(of secret: Secret) -> [UInt8] {
        precondition(secret.count == keyLength, "a secret has 32 bytes")
        return unsafe array { result in
            // Both are 32 bytes long, and no pointer is kept.
            unsafe secret.withUnsafeBytes { secret in
                unsafe outpost_curve25519_public_key(result, bytes(secret))
            }
        }
    }

    /// The public key plus one of the eight points of low order, which the three lowest bits of the secret choose.
    ///
    /// Both public keys give the same shared secrets. All points of the curve can be such a key, not only one in eight.
    package static func dirtyPublicKey(of secret: Secret) -> [UInt8] {
        precondition(secret.count == keyLength, "a secret has 32 bytes")
        return unsafe array { result in
            // Both are 32 bytes long, and no pointer is kept.
            unsafe secret.withUnsafeBytes { secret in
                unsafe outpost_curve25519_dirty_public_key(result, bytes(secret))
            }
        }
    }

    /// The secret that both ends share; nil if it would be zero, because the peer's key is a point of low order.
    ///
    /// Any 32 bytes are a public key. Bit 255 is ignored, and numbers from 2²⁵⁵ − 19 on are reduced, as RFC 7748
    /// demands.
    package static func sharedSecret(_ secret: Secret, with publicKey: [UInt8]) -> Secret? {
        precondition(secret.count == keyLength && publicKey.count == keyLength, "a key has 32 bytes")
        var isUsable: Int32 = 0
        let shared = Secret(count: keyLength) { result in
            // All three are 32 bytes long, and no pointer is kept.
            unsafe result.withUnsafeMutableBufferPointer { result in
                unsafe secret.withUnsafeBytes { secret in
                    unsafe publicKey.withUnsafeBytes { publicKey in
                        isUsable = unsafe outpost_curve25519_multiply(
                            mutableBytes(result),
                            bytes(secret),
                            bytes(publicKey)
                        )
                    }
                }
            }
        }
        return isUsable == 1 ? shared : nil
    }

    /// An array of 32 bytes, which C fills.
    static func array(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: keyLength) { buffer, count in
            guard let address = buffer.baseAddress else { fatalError("an array without memory") }
            unsafe fill(address)
            count = keyLength
        }
    }

    /// The pointer that C takes. Only for buffers that are not empty.
    static func bytes(_ buffer: UnsafeRawBufferPointer) -> UnsafePointer<UInt8> {
        guard let address = buffer.baseAddress else { fatalError("a key without memory") }
        return unsafe address.assumingMemoryBound(to: UInt8.self)
    }

    private static func mutableBytes(_ buffer: UnsafeMutableBufferPointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        guard let address = buffer.baseAddress else { fatalError("a key without memory") }
        return unsafe address
    }
}
