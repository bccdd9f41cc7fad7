internal import NIOCore
internal import NIOSSL

/// This library's TLS: 1.2 with ECDHE and an AEAD, or 1.3; no renegotiation; the chain always verified, and a client
/// also verifies the daemon's name or address.
///
/// Pins are compared when the handshake is complete, before a byte of the program's goes either way: in addition to the
/// verification, never instead of it.
enum TLSContext {
    /// Sent in ALPN, so that a port with another protocol fails clearly (RFC 7301).
    static let applicationProtocol = "outpost-np/1"

    /// Accepted signatures of certificates and keys: those of browsers, and Ed25519, the algorithm of machine
    /// identities.
    private static let signatures: [SignatureAlgorithm] = [
        .ed25519, .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512,
        .rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPssRsaeSha512, .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
    ]

    /// For TLS 1.2: forward secrecy and an AEAD (RFC 9325, section 4.2). Those of 1.3 all have both.
    private static let ciphers: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    typealias MakeHandler = @Sendable () throws -> any ChannelHandler

    static func client(_ settings: TLSClient, host: String) throws -> MakeHandler {
        guard settings.certificateChain.isEmpty == (settings.privateKey == nil) else {
            throw ConnectionError.tls(
                reason: settings.privateKey == nil
                    ? "a certificate without its private key" : "a private key without its certificate"
            )
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configure(&configuration, settings.minimumVersion)
        let name = settings.serverName ?? host
        // The underlying library compares addresses with the connected one, not with a requested one: ``ServerName``
        // always does that.
        configuration.certificateVerification =
            ServerName.isAddress(name) && settings.serverName != nil ? .noHostnameVerification : .fullVerification
        switch settings.roots {
        case .system: configuration.trustRoots = .default
        case .certificates(let certificates): configuration.trustRoots = .certificates(certificates)
        }
        configuration.certificateChain = settings.certificateChain.map { .certificate($0) }
        configuration.privateKey = settings.privateKey.map { .privateKey($0) }
        let context = try NIOSSLContext(configuration: configuration)
        return { try NIOSSLClientHandler(context: context, serverHostname: ServerName.name(name)) }
    }

    static func server(_ settings: TLSServer) throws -> MakeHandler {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: settings.certificateChain.map { .certificate($0) },
            privateKey: .privateKey(settings.privateKey)
        )
        configure(&configuration, settings.minimumVersion)
        switch settings.clients {
        case .certified(let roots, _):
            // A client has no name to compare; without a certificate its handshake fails.
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(roots)
            configuration.sendCANameList = true
        case .anonymous: configuration.certificateVerification = .none
        }
        let context = try NIOSSLContext(configuration: configuration)
        return { NIOSSLServerHandler(context: context) }
    }

    private static func configure(_ configuration: inout TLSConfiguration, _ minimum: TLSMinimumVersion) {
        configuration.minimumTLSVersion = minimum.version
        configuration.renegotiationSupport = .none
        configuration.cipherSuiteValues = ciphers
        configuration.applicationProtocols = [applicationProtocol]
        configuration.signingSignatureAlgorithms = signatures
        configuration.verifySignatureAlgorithms = signatures
        // How long a closed connection may wait for the peer's close_notify: it holds a descriptor meanwhile.
        configuration.shutdownTimeout = .seconds(1)
    }
}

extension TLSServer {
    var pins: Set<CertificatePin> {
        if case .certified(_, let pins) = clients { pins } else { [] }
    }
}

extension TLSMinimumVersion {
    fileprivate var version: TLSVersion {
        switch self {
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}
