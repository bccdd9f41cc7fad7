public import NIOSSL

/// How a client knows a daemon by TLS.
///
/// The chain and the name are always verified; pins come on top of that and never instead of it.
public struct TLSClient: Sendable {
    /// Whose signatures under certificates count.
    public enum Roots: Sendable {
        /// Those of the system.
        case system
        /// These, in PEM or DER.
        case certificates([NIOSSLCertificate])
    }

    /// Whose signatures under the daemon's certificate count.
    public var roots = Roots.system
    /// When not empty: the daemon's own certificate must hold one of these keys.
    public var pins: Set<CertificatePin> = []
    /// What this side presents, leaf first; empty for nothing.
    public var certificateChain: [NIOSSLCertificate] = []
    /// The key of the leaf; nil when nothing is presented.
    public var privateKey: NIOSSLPrivateKey?
    /// The name or the address that the daemon's certificate must be for; nil for the host that is connected to.
    public var serverName: String?
    /// The oldest version that is spoken.
    public var minimumVersion = TLSMinimumVersion.tls12

    public init(roots: Roots = .system) { self.roots = roots }
}

/// How a daemon shows itself by TLS, and whom it lets in.
public struct TLSServer: Sendable {
    /// Who may connect. There is no default: whoever opens a port says it.
    public enum Clients: Sendable {
        /// Those with a certificate under one of `roots`, and with one of `pins` when there are any.
        case certified(roots: [NIOSSLCertificate], pins: Set<CertificatePin> = [])
        /// Everybody: **no client is authenticated**.
        case anonymous
    }

    /// Leaf first.
    public var certificateChain: [NIOSSLCertificate]
    /// The key of the leaf.
    public var privateKey: NIOSSLPrivateKey
    /// Who may connect.
    public var clients: Clients
    /// The oldest version that is spoken.
    public var minimumVersion = TLSMinimumVersion.tls12

    public init(certificateChain: [NIOSSLCertificate], privateKey: NIOSSLPrivateKey, clients: Clients) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clients = clients
    }
}

/// The oldest TLS that is spoken. Older ones are broken (RFC 8996).
public enum TLSMinimumVersion: String, Sendable, CaseIterable {
    /// RFC 5246.
    case tls12 = "1.2"
    /// RFC 8446.
    case tls13 = "1.3"
}
