public import NIOSSL

/// How a client verifies a daemon with TLS.
///
/// The chain and the name are always verified; pins are compared in addition, never instead.
public struct TLSClient: Sendable {
    /// The trusted authorities.
    public enum Roots: Sendable {
        /// Those of the system.
        case system
        /// These, in PEM or DER.
        case certificates([NIOSSLCertificate])
    }

    /// The authorities that may sign the daemon's certificate.
    public var roots = Roots.system
    /// If not empty: the daemon's own certificate must contain one of these keys.
    public var pins: Set<CertificatePin> = []
    /// What this side presents, leaf first; empty for nothing.
    public var certificateChain: [NIOSSLCertificate] = []
    /// The key of the leaf; nil if nothing is presented.
    public var privateKey: NIOSSLPrivateKey?
    /// The name or the address that the daemon's certificate must be for; nil for the connected host.
    public var serverName: String?
    /// The oldest accepted version.
    public var minimumVersion = TLSMinimumVersion.tls12

    public init(roots: Roots = .system) { self.roots = roots }
}

/// How a daemon presents itself with TLS, and which clients it accepts.
public struct TLSServer: Sendable {
    /// Which clients may connect. There is no default: the program must choose.
    public enum Clients: Sendable {
        /// Clients with a certificate under one of `roots`, and with one of `pins` if there are any.
        case certified(roots: [NIOSSLCertificate], pins: Set<CertificatePin> = [])
        /// All: **no client is authenticated**.
        case anonymous
    }

    /// Leaf first.
    public var certificateChain: [NIOSSLCertificate]
    /// The key of the leaf.
    public var privateKey: NIOSSLPrivateKey
    /// Which clients may connect.
    public var clients: Clients
    /// The oldest accepted version.
    public var minimumVersion = TLSMinimumVersion.tls12

    public init(certificateChain: [NIOSSLCertificate], privateKey: NIOSSLPrivateKey, clients: Clients) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clients = clients
    }
}

/// The oldest accepted TLS version. Older ones are broken (RFC 8996).
public enum TLSMinimumVersion: String, Sendable, CaseIterable {
    /// RFC 5246.
    case tls12 = "1.2"
    /// RFC 8446.
    case tls13 = "1.3"
}
