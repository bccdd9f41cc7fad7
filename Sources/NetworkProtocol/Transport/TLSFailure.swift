/// Describes why TLS failed. BoringSSL names its reasons only in the text of its errors.
enum TLSFailure {
    /// - Parameter text: of the TLS library's error.
    static func reason(_ text: String) -> String {
        for (name, words) in known where text.contains(name) { return words }
        // `…:OPENSSL_internal:NAME at file:line`; the last is the outermost.
        let names = text.split(separator: "OPENSSL_internal:").dropFirst().map { $0.prefix { $0 != " " } }
        guard let last = names.last else { return text }
        return last.lowercased().split(separator: "_").joined(separator: " ")
    }

    /// The most specific first: an error can carry several.
    private static let known: [(name: String, words: String)] = [
        (
            "CERTIFICATE_VERIFY_FAILED",
            "the other side's certificate is not one that is trusted here: it has expired, or none of the roots signed it"
        ),
        ("failedToLoadPrivateKey", "the private key does not belong to the certificate, or cannot be read"),
        ("failedToLoadCertificate", "the certificate cannot be read"),
        ("failedToValidateHostname", "the other side's certificate is not for the address that was asked for"),
        (
            "unableToValidateCertificate",
            "the other side's certificate is not for the address or name that was asked for"
        ),
        ("noCertificateToValidate", "the other side showed no certificate"),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the other side showed no certificate, and one is demanded here"),
        ("CERTIFICATE_REQUIRED", "the other side demands a certificate, and none was shown"),
        ("ALERT_UNKNOWN_CA", "the other side does not know who signed this side's certificate"),
        ("ALERT_CERTIFICATE_EXPIRED", "the other side says that this side's certificate has expired"),
        ("ALERT_BAD_CERTIFICATE", "the other side refused this side's certificate"),
        ("ALERT_CERTIFICATE_UNKNOWN", "the other side refused this side's certificate"),
        ("ALERT_DECRYPT_ERROR", "the other side refused this side's certificate: its signature does not hold"),
        ("NO_APPLICATION_PROTOCOL", "the other side does not speak \(TLSContext.applicationProtocol) (ALPN)"),
        ("ALERT_PROTOCOL_VERSION", "the two sides have no version of TLS in common"),
        ("UNSUPPORTED_PROTOCOL", "the two sides have no version of TLS in common"),
        ("WRONG_VERSION_NUMBER", "the other side does not speak TLS"),
        (
            "EOF during handshake",
            "the other side closed the connection before the TLS handshake was done; does it speak TLS at this port?"
        ),
        ("HTTP_REQUEST", "the other side does not speak TLS but HTTP"),
        (
            "uncleanShutdown",
            "the other side closed the connection without TLS's close_notify: what was last may be missing"
        ),
    ]
}
