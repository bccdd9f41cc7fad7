public import Identity

/// The other end of a connection, as far as it was proved.
public struct Peer: Sendable, Hashable {
    /// The key that the peer proved in the handshake, or that its TLS certificate contains; nil if it proved none.
    public let endpointID: EndpointID?
    /// SHA-256 of the SubjectPublicKeyInfo of the peer's TLS certificate, 32 bytes; nil without one.
    public let certificatePin: CertificatePin?
    /// The process at the other end of a Unix socket; nil elsewhere.
    public let credentials: UnixCredentials?
    /// Where the connection comes from or goes to: `192.0.2.1:9000`, `unix:/run/echo.sock`. Says nothing about
    /// identity.
    public let address: String

    /// A process on this machine, as the kernel saw it when it connected (`SO_PEERCRED`, unix(7)).
    public struct UnixCredentials: Sendable, Hashable {
        /// The process that connected, or listened; it may have ended since.
        public let processID: Int32
        /// Its effective user.
        public let userID: UInt32
        /// Its effective group.
        public let groupID: UInt32
    }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4).
public struct CertificatePin: Sendable, Hashable {
    /// Length in bytes.
    public static let length = 32
    /// ``length`` bytes.
    public let digest: [UInt8]

    /// Nil unless there are exactly ``length`` bytes.
    public init?(_ digest: some Collection<UInt8>) {
        guard digest.count == CertificatePin.length else { return nil }
        self.digest = Array(digest)
    }

    /// Parses ``description``, with or without the leading `sha256/`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let digits = text.hasPrefix("sha256/") ? text.dropFirst(7) : text[...]
        guard let bytes = Hexadecimal.bytes(digits) else { return nil }
        self.init(bytes)
    }
}

extension CertificatePin: CustomStringConvertible {
    /// `sha256/` and 64 hexadecimal digits.
    public var description: String { "sha256/" + Hexadecimal.text(digest) }
}
