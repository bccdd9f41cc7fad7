/// A secret for one handshake, and its public key as it is written. The value cannot be copied, and a handshake
/// consumes it, so no two handshakes share one.
package struct EphemeralKey: ~Copyable, Sendable {
    /// How public keys are written.
    package enum Encoding: Sendable {
        /// As u-coordinates, which an observer tells from random bytes: Noise's own form.
        case plain
        /// As representatives (``Elligator2``), which look random.
        case representative

        /// The u-coordinate of a key as its sender wrote it. Any 32 bytes are a key.
        package func decode(_ written: [UInt8]) -> [UInt8] {
            switch self {
            case .plain: written
            case .representative: Elligator2.decode(written)
            }
        }
    }

    package let encoding: Encoding
    /// The u-coordinate.
    package let publicKey: [UInt8]
    /// The public key as it goes to the peer.
    package let written: [UInt8]
    let secret: Secret

    /// A new secret from the kernel's generator.
    package init(_ encoding: Encoding) {
        var generator = SystemRandomNumberGenerator()
        self.init(encoding, using: &generator)
    }

    /// A new secret from a generator, which must be fit for keys.
    ///
    /// For a representative, four things make it look random:
    /// - The public key is the multiple of the base point plus a random point of low order. Without it, each key would
    ///   be in the subgroup of prime order, like one random string in eight.
    /// - Secrets are drawn until the public key has a representative: two on average. A new secret each time, not only
    ///   another point of low order: that would favor keys whose seven neighbors have no representative.
    /// - A random bit chooses between the key's two representatives.
    /// - Both bits above the representative are random.
    package init(_ encoding: Encoding, using generator: inout some RandomNumberGenerator) {
        switch encoding {
        case .plain:
            self.init(plain: Secret(count: X25519.keyLength, using: &generator))
        case .representative:
            while true {
                let secret = Secret(count: X25519.keyLength, using: &generator)
                let randomness = UInt8(truncatingIfNeeded: generator.next())
                let publicKey = X25519.dirtyPublicKey(of: secret)
                // Whether there is one tells nothing about the secret that is kept in the end.
                guard let written = Elligator2.encode(publicKey, randomness: randomness) else { continue }
                self.init(encoding: encoding, publicKey: publicKey, written: written, secret: secret)
                return
            }
        }
    }

    /// A known secret, for vectors.
    package init(plain secret: Secret) {
        let publicKey = X25519.publicKey(of: secret)
        self.init(encoding: .plain, publicKey: publicKey, written: publicKey, secret: secret)
    }

    private init(encoding: Encoding, publicKey: [UInt8], written: [UInt8], secret: Secret) {
        self.encoding = encoding
        self.publicKey = publicKey
        self.written = written
        self.secret = secret
    }

    /// The secret that both ends share; nil if the peer's key is a point of low order.
    ///
    /// - Parameter publicKey: the u-coordinate of the peer's key, already decoded.
    package func sharedSecret(with publicKey: [UInt8]) -> Secret? {
        X25519.sharedSecret(secret, with: publicKey)
    }
}
