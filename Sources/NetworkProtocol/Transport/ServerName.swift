internal import NIOCore
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// Whether a certificate is for the name that was asked for.
///
/// NIOSSL takes a certificate that is for the address connected to even when a name was asked for, so a name is compared here again.
/// Where an address is asked for, NIOSSL's own comparison with the certificate's addresses holds.
enum ServerName {
    /// Nil for an address, which is no server name (RFC 6066, section 3).
    static func name(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    static func isNamed(_ name: String, in certificate: NIOSSLCertificate) throws -> Bool {
        let parsed = try Certificate(derEncoded: certificate.toDERBytes())
        guard let names = try parsed.extensions.subjectAlternativeNames else { return false }
        return names.contains { if case .dnsName(let pattern) = $0 { matches(name, pattern) } else { false } }
    }

    /// RFC 6125, section 6.4: letters of either case are the same, and `*` stands for one whole label, the first, of at least three.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let name = labels(name)
        let pattern = labels(pattern)
        guard name.count == pattern.count, !name.contains("") else { return false }
        if pattern.first == "*", pattern.count >= 3 { return name.dropFirst() == pattern.dropFirst() }
        return name == pattern
    }

    private static func labels(_ name: String) -> [String] {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name.split(separator: ".", omittingEmptySubsequences: false).map { label in
            String(decoding: label.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
        }
    }
}
