package import Identity
internal import NIOCore
package import NIOSSL

/// TLS 1.3 in which both sides present an Ed25519 certificate and only the key identifies them.
package enum EndpointTLS {
    /// The context of a listening machine.
    package static func serverContext(key: IdentityKey, applicationProtocols: [String]) throws -> NIOSSLContext {
        try NIOSSLContext(configuration: serverConfiguration(key: key, applicationProtocols: applicationProtocols))
    }

    /// The context of a connecting machine.
    package static func clientContext(key: IdentityKey, applicationProtocols: [String]) throws -> NIOSSLContext {
        try NIOSSLContext(configuration: clientConfiguration(key: key, applicationProtocols: applicationProtocols))
    }

    /// For code that creates its own context, such as an HTTP server. The caller checks the peer's certificates with
    /// ``endpointID(of:)``: the configuration accepts every chain.
    package static func serverConfiguration(
        key: IdentityKey,
        applicationProtocols: [String]
    ) throws -> TLSConfiguration {
        // The library's server factory requests no client certificates, and its factory for mutual TLS allows TLS 1.0.
        // `configuration(_:key:protocols:)` sets every field that matters.
        let base = TLSConfiguration.makeServerConfiguration(
            certificateChain: [],
            privateKey: .privateKey(try tlsKey(key))
        )
        return try configuration(base, key: key, protocols: applicationProtocols)
    }

    /// Like ``serverConfiguration(key:applicationProtocols:)``, for the connecting side.
    package static func clientConfiguration(
        key: IdentityKey,
        applicationProtocols: [String]
    ) throws -> TLSConfiguration {
        try configuration(TLSConfiguration.makeClientConfiguration(), key: key, protocols: applicationProtocols)
    }

    private static func configuration(
        _ base: TLSConfiguration,
        key: IdentityKey,
        protocols: [String]
    ) throws -> TLSConfiguration {
        var configuration = base
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.certificateChain = [
            .certificate(try NIOSSLCertificate(bytes: EndpointCertificate.make(for: key), format: .der))
        ]
        configuration.privateKey = .privateKey(try tlsKey(key))
        // Both sides require a certificate. The callback of each handler judges the chain; no root is trusted.
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        configuration.signingSignatureAlgorithms = [.ed25519]
        configuration.verifySignatureAlgorithms = [.ed25519]
        configuration.applicationProtocols = protocols
        configuration.renegotiationSupport = .none
        configuration.sendCANameList = false
        // How long a closed connection may wait for the peer's close_notify: it holds a descriptor meanwhile.
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    private static func tlsKey(_ key: IdentityKey) throws -> NIOSSLPrivateKey {
        var der = EndpointCertificate.privateKeyDER(of: key)
        defer { KeyFile.erase(&der) }
        return try NIOSSLPrivateKey(bytes: der, format: .der)
    }

    /// The ID of the key in `certificates`, leaf first.
    package static func endpointID(of certificates: [NIOSSLCertificate]) throws(PeerIdentityError) -> EndpointID {
        guard let leaf = certificates.first else { throw .noCertificate }
        guard let der = try? leaf.toDERBytes() else { throw .malformed }
        return try PeerIdentity.endpointID(ofLeaf: der)
    }
}
