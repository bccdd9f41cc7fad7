internal import Identity
internal import IdentityCertificates
internal import NIOSSL

/// Who a certificate is.
enum CertificateProperties {
    /// The way of the handshake, through the TLS library's certificate, and the direct one come to the same.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let direct = outcome { () throws(PeerIdentityError) in try PeerIdentity.endpointID(ofLeaf: bytes) }
        if case .failure(let error) = direct { try ErrorText.check(error) }
        guard let certificate = try? NIOSSLCertificate(bytes: bytes, format: .der) else { return }
        let handshake = outcome { () throws(PeerIdentityError) in try EndpointTLS.endpointID(of: [certificate]) }
        if case .failure(let error) = handshake { try ErrorText.check(error) }
        // Behind the certificate the TLS library allows more bytes, which it does not keep.
        if (try? certificate.toDERBytes()) == bytes {
            try require(direct == handshake, "the handshake sees \(handshake), the certificate is \(direct)")
        }
    }

    private static func outcome(
        _ body: () throws(PeerIdentityError) -> EndpointID
    ) -> Result<EndpointID, PeerIdentityError> {
        do throws(PeerIdentityError) { return .success(try body()) } catch { return .failure(error) }
    }
}
