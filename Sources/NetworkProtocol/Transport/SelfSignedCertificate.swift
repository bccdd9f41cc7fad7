internal import Crypto
internal import FoundationEssentials
internal import NIOCore
public import NIOSSL
internal import SwiftASN1
internal import X509

/// A self-signed certificate with a new P-256 key: for tests, and for daemons whose clients pin it.
public struct SelfSignedCertificate: Sendable {
    /// Presented to the other side.
    public let certificate: NIOSSLCertificate
    /// The certificate's key.
    public let privateKey: NIOSSLPrivateKey
    /// The certificate in PEM, for the other side's roots.
    public let certificatePEM: String
    /// The key in PEM (PKCS #8): anyone who has it can pose as this daemon.
    public let privateKeyPEM: String
    /// What the other side may pin.
    public let pin: CertificatePin

    /// - Parameters:
    ///   - hosts: names and addresses that it is for, at least one.
    ///   - days: how long it is valid from now, at least one; it is valid from a day ago, because clocks differ.
    /// - Throws: ``SelfSignedCertificate/Problem`` if these are not valid.
    public init(hosts: [String], days: Int = 90) throws {
        guard !hosts.isEmpty else { throw Problem.noHost }
        guard (1...36_500).contains(days) else { throw Problem.days(days) }
        for host in hosts where !SelfSignedCertificate.isName(host) { throw Problem.host(host) }
        let now = Date()
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("network-protocol self-signed") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-86_400),
            notValidAfter: now.addingTimeInterval(Double(days) * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(hosts.map(SelfSignedCertificate.name))
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        certificatePEM = try certificate.serializeAsPEM().pemString
        privateKeyPEM = key.pemRepresentation
        self.certificate = try NIOSSLCertificate(bytes: Array(certificatePEM.utf8), format: .pem)
        privateKey = try NIOSSLPrivateKey(bytes: Array(privateKeyPEM.utf8), format: .pem)
        pin = try CertificatePin(of: self.certificate)
    }

    /// Why there is no certificate.
    public enum Problem: Error, Sendable, Hashable, CustomStringConvertible {
        /// It has no host.
        case noHost
        /// Neither an address nor a name of letters, digits, hyphens and dots.
        case host(String)
        /// Not from a day to a hundred years.
        case days(Int)

        public var description: String {
            switch self {
            case .noHost: "a certificate needs a host's name or address"
            case .host(let host):
                "\(UntrustedText.sanitized(host, limit: 100)) is no host; a name has letters, digits, hyphens and dots"
            case .days(let days): "\(days) days are not from 1 to 36500"
            }
        }
    }

    private static func isName(_ host: String) -> Bool {
        if (try? SocketAddress(ipAddress: host, port: 0)) != nil { return true }
        let letters = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                true
            default: false
            }
        }
        return letters && !host.isEmpty && host.utf8.count <= 253
    }

    private static func name(_ host: String) -> GeneralName {
        guard let address = try? SocketAddress(ipAddress: host, port: 0),
            let bytes = PeerAddress.bytes(of: address)
        else { return .dnsName(host) }
        return .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
    }
}
