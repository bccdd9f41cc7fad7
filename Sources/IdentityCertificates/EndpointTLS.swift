package import Identity
internal import NIOCore
package import NIOSSL

/// TLS 1.3 in which both sides present an Ed25519 certificate and the key alone says who they are.
package enum EndpointTLS {
    /// The context of a machine that listens.
    package static func serverContext(key: IdentityKey, applicationProtocols: [String]) throws -> NIOSSLContext {
        try NIOSSLContext(configuration: serverConfiguration(key: key, applicationProtocols: applicationProtocols))
    }

    /// The context of a machine that connects.
    package static func clientContext(key: IdentityKey, applicationProtocols: [String]) throws -> NIOSSLContext {
        try NIOSSLContext(configuration: clientConfiguration(key: key, applicationProtocols: applicationProtocols))
    }

    /// For what makes its own context, such as an HTTP server. The caller judges the peer's certificates with
    /// ``endpointID(of:)``: the configuration accepts every chain.
    package static func serverConfiguration(
        key: IdentityKey,
        applicationProtocols: [String]
    ) throws -> TLSConfiguration {
        // The library's server factory takes no client certificates and its factory for mutual TLS leaves
        // TLS 1.0 on; `configuration(_:key:protocols:)` sets every field that matters.
        let base = TLSConfiguration.makeServerConfiguration(
            certificateChain: [],
            privateKey: .privateKey(try tlsKey(key))
        )
        return try configuration(base, key: key, protocols: applicationProtocols)
    }

    /// As ``serverConfiguration(key:applicationProtocols:)``, for what connects.
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
        // Both sides demand a certificate. The chain is judged by the callback given to each handler, never by a root.
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        configuration.signingSignatureAlgorithms = [.ed25519]
        configuration.verifySignatureAlgorithms = [.ed25519]
        configuration.applicationProtocols = protocols
        configuration.renegotiationSupport = .none
        configuration.sendCANameList = false
        // How long a closed connection may wait for the peer's close_notify: it still holds a descriptor meanwhile.
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    private static func tlsKey(_ key: IdentityKey) throws -> NIOSSLPrivateKey {
        var der = EndpointCertificate.privateKeyDER(of: key)
        defer { KeyFile.erase(&der) }
        return try NIOSSLPrivateKey(bytes: der, format: .der)
    }

    /// Who presented `certificates`, leaf first.
    package static func endpointID(of certificates: [NIOSSLCertificate]) throws(PeerIdentityError) -> EndpointID {
        guard let leaf = certificates.first else { throw .noCertificate }
        guard let der = try? leaf.toDERBytes() else { throw .malformed }
        return try PeerIdentity.endpointID(ofLeaf: der)
    }
}
