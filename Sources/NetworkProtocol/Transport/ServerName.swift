internal import NIOCore
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// Whether a certificate is for the requested name or address.
///
/// NIOSSL accepts a certificate for the connected address, even if a name or another address was requested, so both are
/// compared here again.
enum ServerName {
    /// Nil for an address, which is no server name (RFC 6066, section 3).
    static func name(_ host: String) -> String? { isAddress(host) ? nil : host }

    static func isAddress(_ host: String) -> Bool { address(host) != nil }

    /// The 4 or 16 bytes of an address; nil for a name. A zone is local to this machine and in no certificate.
    private static func address(_ host: String) -> [UInt8]? {
        (try? SocketAddress(ipAddress: String(host.prefix { $0 != "%" }), port: 0)).flatMap {
            PeerAddress.bytes(of: $0)
        }
    }

    static func isNamed(_ name: String, in certificate: NIOSSLCertificate) throws -> Bool {
        let parsed = try Certificate(derEncoded: certificate.toDERBytes())
        guard let names = try parsed.extensions.subjectAlternativeNames else { return false }
        if let address = address(name) {
            return names.contains {
                if case .ipAddress(let bytes) = $0 { bytes.bytes.elementsEqual(address) } else { false }
            }
        }
        return names.contains { if case .dnsName(let pattern) = $0 { matches(name, pattern) } else { false } }
    }

    /// RFC 6125, section 6.4: letters of either case are the same, and `*` stands for one whole label, the first, of at
    /// least three.
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
