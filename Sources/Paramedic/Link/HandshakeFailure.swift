internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Operations
internal import SystemErrors

/// Puts the reasons for a failed TLS handshake into words, with what to look at. BoringSSL names its reasons only in the text
/// of an error, which also holds source paths: the names are looked for there, and the text is never shown.
enum HandshakeFailure {
    private static let isItTheReflector = "is that the port of a reflector, and not of another service?"

    static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as IOError where failure.errnoCode == ECONNRESET: return ended
        case let failure as IOError: return "\(SystemError.reason(of: failure.errnoCode)); \(isItTheReflector)"
        case NIOSSLError.uncleanShutdown, is ChannelError: return ended
        default: return describe(named: "\(error)")
        }
    }

    private static let ended = "it closed the connection before the handshake was done; \(isItTheReflector)"

    /// - Parameter text: that of BoringSSL's error.
    static func describe(named text: String) -> String {
        for (names, words) in table where names.contains(where: { text.contains($0) }) { return words }
        return "what it answers does not fit the handshake; \(isItTheReflector)"
    }

    /// Names of BoringSSL's reasons (`ssl_data.txt` of its sources), the most telling first.
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
            "it has no TLS 1.3, which every reflector has; \(isItTheReflector)"
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
