package import Crypto

/// A machine's private key: one Ed25519 key, created on first run and kept in one file.
public struct IdentityKey: Sendable {
    package let signingKey: Curve25519.Signing.PrivateKey
    /// The public half, by which peers know this machine.
    public let endpointID: EndpointID

    /// Generates a key with the system's random number generator.
    public init() {
        self.init(signingKey: Curve25519.Signing.PrivateKey())
    }

    init(signingKey: Curve25519.Signing.PrivateKey) {
        self.signingKey = signingKey
        guard let endpointID = EndpointID(publicKey: signingKey.publicKey.rawRepresentation) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")  // traps because CryptoKit guarantees it
        }
        self.endpointID = endpointID
    }

    /// `seed` is the 32-byte Ed25519 secret of RFC 8032; nil if it has another length.
    package init?(seed: some Collection<UInt8>) {
        var bytes = Array(seed)
        defer { KeyFile.erase(&bytes) }
        guard bytes.count == KeyFile.length,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else { return nil }
        self.init(signingKey: key)
    }

    /// The machine's key: read from the file at `path`, or created there if the file does not exist.
    ///
    /// The file is the raw 32-byte seed, mode 0600. A file that other users can read, or that another user owns, is
    /// refused.
    public static func loadOrCreate(at path: String) throws(KeyFileError) -> IdentityKey {
        try KeyFile.loadOrCreate(at: path).key
    }

    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try signingKey.signature(for: message))
    }
}

extension IdentityKey: CustomStringConvertible, CustomReflectable {
    /// The ID, never the key.
    public var description: String { "key of \(endpointID)" }
    public var customMirror: Mirror { Mirror(self, children: ["endpointID": endpointID]) }
}

extension EndpointID {
    /// Whether `signature` over `message` was made by the machine with this ID.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard !Self.isWeak(publicKey), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else {
            return false
        }
        return key.isValidSignature(signature, for: message)
    }
}
