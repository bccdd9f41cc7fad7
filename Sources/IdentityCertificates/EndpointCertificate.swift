internal import Crypto
package import FoundationEssentials
package import Identity
internal import SwiftASN1
internal import X509

/// The self-signed certificate in which a machine presents its key.
///
/// Only its key matters: names repeat the key's ID, and our peers ignore chain, issuer and dates.
package enum EndpointCertificate {
    /// The prefix of the DNS name that repeats the ID.
    package static let dnsNamePrefix = "pp-id-"
    /// The prefix of the URI that repeats the ID.
    package static let identityURIPrefix = "pp:id:"
    /// The prefix of the URI with the SHA-256 of the raw key, in lower-case hex.
    package static let keyHashURIPrefix = "pp:pk:"

    /// DER of a certificate for `key`, valid from a day ago (clocks differ) for ten years.
    package static func make(for key: IdentityKey, now: Date = Date()) throws -> [UInt8] {
        let id = key.endpointID.description
        let hash = SHA256.hash(data: key.endpointID.publicKey).hexadecimal
        let name = try DistinguishedName {
            // X.520 limits a common name to 64 characters, and an ID has 69.
            CommonName("outpost endpoint")
        }
        let issuerKey = Certificate.PrivateKey(key.signingKey)
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: issuerKey.publicKey,
            notValidBefore: now.addingTimeInterval(-86_400),
            notValidAfter: now.addingTimeInterval(3_650 * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ed25519,
            extensions: Certificate.Extensions {
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames([
                    .dnsName(dnsNamePrefix + id),
                    .uniformResourceIdentifier(identityURIPrefix + id),
                    .uniformResourceIdentifier(keyHashURIPrefix + hash),
                ])
            },
            issuerPrivateKey: issuerKey
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// PKCS #8 form of the key (RFC 8410, 7), for the TLS library. The caller erases it.
    static func privateKeyDER(of key: IdentityKey) -> [UInt8] {
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
            + [UInt8](key.signingKey.rawRepresentation)
    }
}

extension Sequence where Element == UInt8 {
    /// Lower-case hex digits.
    package var hexadecimal: String {
        let digits = [UInt8]("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
