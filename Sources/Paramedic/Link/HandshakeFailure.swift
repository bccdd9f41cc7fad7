internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Operations
internal import SystemErrors

/// Describes why a TLS handshake failed, and what to check. BoringSSL names its reasons only in the text of an error,
/// which also contains source paths: the names are looked up in it, and the text is never shown.
enum HandshakeFailure {
    private static let isItTheReflector = "is that the port of a reflector, or of another service?"

    static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as IOError where failure.errnoCode == ECONNRESET: return ended
        case let failure as IOError: return "\(SystemError.reason(of: failure.errnoCode)); \(isItTheReflector)"
        case NIOSSLError.uncleanShutdown, is ChannelError: return ended
        default: return describe(named: "\(error)")
        }
    }

    private static let ended = "it closed the connection during the handshake; \(isItTheReflector)"

    /// - Parameter text: of BoringSSL's error.
    static func describe(named text: String) -> String {
        for (names, words) in table where names.contains(where: { text.contains($0) }) { return words }
        return "its answer does not fit the handshake; \(isItTheReflector)"
    }

    /// Names of BoringSSL's reasons (`ssl_data.txt` in its sources), the most specific first.
    private static let table: [(names: [String], words: String)] = [
        (["EOF during"], ended),
        (
            [
                "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "PACKET_LENGTH_TOO_LONG",
                "ENCRYPTED_LENGTH_TOO_LONG",
            ],
            "it does not speak TLS; \(isItTheReflector)"
        ),
        (
            ["PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"],
            "it does not support TLS 1.3, which every reflector does; \(isItTheReflector)"
        ),
        (
            ["NO_APPLICATION_PROTOCOL"],
            "it does not speak Paramedic Link; \(isItTheReflector)"
        ),
        (
            [
                "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_CERTIFICATE", "ALERT_UNKNOWN_CA",
                "ALERT_ACCESS_DENIED", "ALERT_UNKNOWN_CERTIFICATE",
            ],
            "it refused this machine's certificate; \(isItTheReflector)"
        ),
        (
            [
                "HANDSHAKE_FAILURE", "NO_COMMON_SIGNATURE_ALGORITHMS", "WRONG_SIGNATURE_TYPE", "WRONG_CERTIFICATE_TYPE",
                "NO_SHARED_CIPHER", "NO_SHARED_GROUP", "INSUFFICIENT_SECURITY", "ILLEGAL_PARAMETER",
            ],
            "it has no Ed25519 key, or ciphers that no reflector has; \(isItTheReflector)"
        ),
    ]
}
