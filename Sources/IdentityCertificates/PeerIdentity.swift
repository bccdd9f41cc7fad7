package import Identity
internal import SwiftASN1
internal import X509

/// Why a certificate identifies no key.
package enum PeerIdentityError: Error, Equatable, CustomStringConvertible {
    case noCertificate
    case malformed
    case notEd25519
    /// Its key is a point of small order, for which anyone can sign.
    case weakKey
    /// A name in the certificate claims another key than the one in it.
    case nameMismatch(claimed: String, presented: EndpointID)
    /// The presented key is not the pinned one.
    case unexpectedPeer(expected: EndpointID, presented: EndpointID)

    package var description: String {
        switch self {
        case .noCertificate:
            "the peer presented no certificate"
        case .malformed:
            "the peer's certificate cannot be read"
        case .notEd25519:
            "the peer's certificate does not contain an Ed25519 key"
        case .weakKey:
            "the peer's certificate contains an Ed25519 key of small order, which proves nothing"
        case .nameMismatch(let claimed, let presented):
            "the peer's certificate claims to be \(claimed) but contains the key of \(presented)"
        case .unexpectedPeer(let expected, let presented):
            "the peer is \(presented), not \(expected): it was reinstalled, its identity was rotated, "
                + "or another machine answers in its place"
        }
    }
}

/// Derives a peer's identity from the certificate whose key it proved to have.
package enum PeerIdentity {
    /// The ID of the Ed25519 key in a leaf certificate (DER). Every identity name in it must match that key.
    package static func endpointID(ofLeaf der: [UInt8]) throws(PeerIdentityError) -> EndpointID {
        guard let certificate = try? Certificate(derEncoded: der) else { throw .malformed }
        // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 4): a fixed prefix, then the raw key.
        let head: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(certificate.publicKey)) != nil else { throw .notEd25519 }
        let information = serializer.serializedBytes
        guard information.starts(with: head), information.count == head.count + EndpointID.keyLength else {
            throw .notEd25519
        }
        guard let id = EndpointID(publicKey: information.dropFirst(head.count)) else { throw .weakKey }
        for claimed in try identityNames(in: certificate) where (try? EndpointID(parsing: claimed)) != id {
            throw .nameMismatch(claimed: shown(claimed), presented: id)
        }
        return id
    }

    /// A claimed ID in a form that is safe to show and log: the peer chose every byte of it.
    private static func shown(_ claimed: String) -> String {
        let bytes = claimed.utf8.prefix(96).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func identityNames(in certificate: Certificate) throws(PeerIdentityError) -> [String] {
        let names: SubjectAlternativeNames?
        do { names = try certificate.extensions.subjectAlternativeNames } catch { throw .malformed }
        return (names ?? SubjectAlternativeNames([])).compactMap { name in
            switch name {
            case .dnsName(let text): identity(in: text, after: EndpointCertificate.dnsNamePrefix)
            case .uniformResourceIdentifier(let text): identity(in: text, after: EndpointCertificate.identityURIPrefix)
            default: nil
            }
        }
    }

    /// The claimed ID, if `text` starts with `prefix` in either case: DNS names are case-insensitive.
    private static func identity(in text: String, after prefix: String) -> String? {
        text.lowercased().hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }
}
