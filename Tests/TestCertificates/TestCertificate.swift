package import Crypto
internal import Foundation
package import Identity
internal import SwiftASN1
package import X509

/// Certificates that no endpoint of ours would make: self-signed, valid for decades, with any names and any key.
package enum TestCertificate {
    /// DER of one with an Ed25519 key.
    package static func make(_ key: IdentityKey, names: [GeneralName]) throws -> [UInt8] {
        try make(Certificate.PrivateKey(key.signingKey), .ed25519, names: names)
    }

    /// DER of one with a P-256 key.
    package static func make(_ key: P256.Signing.PrivateKey, names: [GeneralName]) throws -> [UInt8] {
        try make(Certificate.PrivateKey(key), .ecdsaWithSHA256, names: names)
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
