internal import Crypto
internal import Foundation
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// A certificate authority and its certificates, in a folder: `ca.pem`, and for each side `NAME.pem` and
/// `NAME-key.pem`.
struct Certificates {
    let folder: URL

    init(_ path: String) { folder = URL(fileURLWithPath: path) }

    /// Creates an authority, whose key is not kept, and its certificates for the server and for one client.
    func make() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let authority = try DistinguishedName { CommonName("example authority") }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true))
        }
        let own = try sign(key.publicKey, named: authority, extensions, by: authority, key)
        try write(own.serializeAsPEM().pemString, "ca.pem")
        for name in ["server", "client"] {
            let leafKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let extensions = try Certificate.Extensions {
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([name == "server" ? .serverAuth : .clientAuth])
                SubjectAlternativeNames([.dnsName(name == "server" ? "localhost" : name)])
            }
            let subject = try DistinguishedName { CommonName(name) }
            let leaf = try sign(leafKey.publicKey, named: subject, extensions, by: authority, key)
            try write(leaf.serializeAsPEM().pemString, "\(name).pem")
            try write(leafKey.serializeAsPEM().pemString, "\(name)-key.pem")
        }
    }

    func authority() throws -> [NIOSSLCertificate] { try chain("ca") }

    func chain(_ name: String) throws -> [NIOSSLCertificate] {
        try NIOSSLCertificate.fromPEMFile(folder.appendingPathComponent("\(name).pem").path)
    }

    func key(_ name: String) throws -> NIOSSLPrivateKey {
        try NIOSSLPrivateKey(file: folder.appendingPathComponent("\(name)-key.pem").path, format: .pem)
    }

    private func sign(
        _ key: Certificate.PublicKey,
        named subject: DistinguishedName,
        _ extensions: Certificate.Extensions,
        by issuer: DistinguishedName,
        _ issuerKey: Certificate.PrivateKey
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key,
            // Clocks differ.
            notValidBefore: Date(timeIntervalSinceNow: -86_400),
            notValidAfter: Date(timeIntervalSinceNow: 365 * 86_400),
            issuer: issuer,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions,
            issuerPrivateKey: issuerKey
        )
    }

    /// Readable by the owner only: some of the files are keys.
    private func write(_ text: String, _ name: String) throws {
        let path = folder.appendingPathComponent(name).path
        let isWritten = FileManager.default.createFile(
            atPath: path,
            contents: Data(text.utf8),
            attributes: [.posixPermissions: 0o600]
        )
        if !isWritten { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
    }
}
