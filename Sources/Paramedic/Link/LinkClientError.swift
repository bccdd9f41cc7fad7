internal import Identity
package import IdentityCertificates
package import LinkMeasurement

/// Why a request of the client failed, for the user.
package enum LinkClientError: Error, CustomStringConvertible {
    case unreachable(address: String, reason: String)
    case wrongPeer(PeerIdentityError)
    case noCommonProtocol(address: String)
    case handshakeFailed(address: String, reason: String)
    /// Closed before it answered anything.
    case closed(address: String)
    /// Closed, or broken, after it had answered.
    case lost(address: String)
    case timedOut(what: String, seconds: Int)
    case refused(LinkError)
    case denied(SessionDeny)
    /// The reflector ended the test early, so what was measured is not the requested test.
    case endedEarly(EndReason)
    /// The grant has another mode than the demanded one.
    case wrongMode(wanted: DataMode, granted: DataMode)
    case unexpected(String)
    /// The bytes are no frame, or no message; nothing after them can be parsed.
    case noMessage(address: String, what: String)

    /// Most characters of a peer's text that are shown.
    private static let longestReason = 400

    /// Whether the reflector answered with an `error`.
    var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "cannot reach \(address): \(reason)"
        case .wrongPeer(.unexpectedPeer(let expected, let presented)):
            """
            this is not the requested reflector:
              asked  \(expected)
              found  \(presented)
            It was reinstalled, its identity was rotated, or another machine answers in its place. Ask its owner for \
            `reflector show-id`, and pair again if that prints the ID found.
            """
        case .wrongPeer(let error): error.description
        case .noCommonProtocol(let address):
            "\(address) does not speak Paramedic Link; is it a reflector?"
        case .handshakeFailed(let address, let reason):
            "the TLS handshake with \(address) failed: \(reason)"
        case .closed(let address):
            "\(address) closed the connection; if it does not know this machine, pair it again"
        case .lost(let address):
            "the connection to \(address) was lost: the reflector has ended, or the network between has failed"
        case .timedOut(let what, let seconds):
            "\(what) did not answer within \(seconds) s: it is overloaded, is not a reflector, or the network between has failed"
        case .refused(let error): error.description.printable(limit: Self.longestReason)
        case .denied(let deny):
            "the reflector denied the test (\(deny.reason.rawValue)): \(deny.explanation)"
        case .endedEarly(let reason):
            "the reflector ended the test early: \(Self.explanation(of: reason))"
        case .wrongMode(let wanted, let granted):
            "the reflector is configured for \(granted.rawValue) tests, but --mode demands \(wanted.rawValue); "
                + "its owner decides, with network.mode in its reflector.toml"
        case .noMessage(let address, let what):
            "\(address) sent bytes that are not Paramedic Link, so the connection was closed: "
                + what.printable(limit: Self.longestReason)
        case .unexpected(let what): "the reflector answered with \(what), which does not fit the request"
        }
    }

    private static func explanation(of reason: EndReason) -> String {
        switch reason {
        case .shutdown: "it is shutting down (\(reason.rawValue)); try again when it is back"
        case .peerRemoved: "it no longer knows this machine (\(reason.rawValue)); pair it again"
        case .expired: "its time was over (\(reason.rawValue)); the link may have stalled"
        case .ownerGone: "it lost the connection that requested it (\(reason.rawValue))"
        case .engineFailed: "its engine failed (\(reason.rawValue)); the reflector's log says why"
        case .budgetSpent: "the day's byte quota is spent (\(reason.rawValue)); try again after midnight UTC"
        case .closed, .processExited: reason.rawValue
        }
    }
}

extension SessionResult {
    /// Throws if the reflector ended the test for another reason than its end.
    /// - Parameter spentCounts: whether a test that ended with the day's byte quota still measured what was requested.
    func requireOrderlyEnd(spentCounts: Bool) throws(LinkClientError) {
        guard let reason = endReason.flatMap(EndReason.init(rawValue:)) else { return }
        switch reason {
        case .closed, .processExited: return
        case .budgetSpent where spentCounts: return
        case .budgetSpent, .ownerGone, .expired, .peerRemoved, .shutdown, .engineFailed: throw .endedEarly(reason)
        }
    }
}
