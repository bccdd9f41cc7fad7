/// The X25519 key pair by which a handshake knows a process. It serves any number of handshakes.
package struct StaticKey: Sendable {
    /// The u-coordinate, as it is written.
    package let publicKey: [UInt8]
    private let secret: Secret

    /// A new secret from the kernel's generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// A new secret from a generator, which must be fit for keys.
    package init(using generator: inout some RandomNumberGenerator) {
        self.init(secret: Secret(count: X25519.keyLength, using: &generator))
    }

    /// A known secret of 32 bytes.
    package init(secret: Secret) {
        self.secret = secret
        publicKey = X25519.publicKey(of: secret)
    }

    /// The secret that both ends share; nil if the peer's key is a point of low order.
    package func sharedSecret(with publicKey: [UInt8]) -> Secret? {
        X25519.sharedSecret(secret, with: publicKey)
    }
}
