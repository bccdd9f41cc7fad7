package import Identity

/// Why the client could not do what was asked, for the person at the terminal.
package enum LinkClientError: Error, CustomStringConvertible {
    case unreachable(address: String, reason: String)
    case wrongPeer(PeerIdentityError)
    case noCommonProtocol(address: String)
    case handshakeFailed(address: String, reason: String)
    case closed(address: String)
    case timedOut(what: String, seconds: Int)
    case refused(LinkError)
    case denied(SessionDeny)
    case unexpected(String)

    /// Characters of a peer's words that are shown.
    private static let longestReason = 400

    package var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "cannot reach \(address): \(reason); is the reflector running, and is the port open?"
        case .wrongPeer(let error): error.description
        case .noCommonProtocol(let address):
            "\(address) does not speak Paramedic Link; is it a reflector?"
        case .handshakeFailed(let address, let reason):
            "the TLS handshake with \(address) failed: \(reason)"
        case .closed(let address):
            "\(address) closed the connection; if it does not know this machine, pair it again"
        case .timedOut(let what, let seconds):
            "\(what) did not answer within \(seconds) s"
        case .refused(let error): error.description.printable(limit: Self.longestReason)
        case .denied(let deny):
            "the reflector denied the test (\(deny.reason.rawValue)): \(deny.message.printable(limit: Self.longestReason))"
        case .unexpected(let what): "the reflector answered with \(what), which does not fit the question"
        }
    }
}
