import Crypto
import Foundation
import Identity
import NIOSSL
import SwiftASN1
import X509

/// Certificates that no endpoint of ours would make.
enum Certificates {
    /// A self-signed Ed25519 certificate with these names.
    static func make(_ key: IdentityKey, names: [GeneralName]) throws -> [UInt8] {
        try make(Certificate.PrivateKey(key.signingKey), .ed25519, names: names)
    }

    /// One with a key of another kind.
    static func p256(names: [GeneralName]) throws -> RawPeer.Appearance {
        let key = P256.Signing.PrivateKey()
        let der = try make(Certificate.PrivateKey(key), .ecdsaWithSHA256, names: names)
        return RawPeer.Appearance(
            certificate: try NIOSSLCertificate(bytes: der, format: .der),
            key: try NIOSSLPrivateKey(bytes: [UInt8](key.pemRepresentation.utf8), format: .pem)
        )
    }

    private static func make(
        _ key: Certificate.PrivateKey,
        _ algorithm: Certificate.SignatureAlgorithm,
        names: [GeneralName]
    ) throws -> [UInt8] {
        let subject = try DistinguishedName { CommonName("test") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: 0),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: algorithm,
            extensions: try Certificate.Extensions { if !names.isEmpty { SubjectAlternativeNames(names) } },
            issuerPrivateKey: key
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
