internal import NetworkProtocol

/// A measurement that its connection's error ended. The same error means something else before both sides know each
/// other than after.
struct MeasureFailure: Error {
    enum Stage {
        /// Before the daemon's first answer. `trust` are the options given for it.
        case opening(trust: [String])
        /// As before, and the daemon closes silent connections.
        case turnedAway
        case measuring(BenchPart)
    }

    let stage: Stage
    let error: ConnectionError

    /// What happened, also to a request that stays unanswered for it.
    private var reason: ConnectionError { error.underlying }

    /// One side does not admit the other.
    private static let refusedCode: Int32 = 4

    /// 4 when one side does not admit the other, else 1.
    var exitCode: Int32 {
        guard case .opening = stage else { return 1 }
        switch reason.code {
        case .refused where [.unavailable, .unknownCommand].contains(reason.failureCode): return 1
        case .refused, .handshake, .tls: return Self.refusedCode
        default: return 1
        }
    }

    private var advice: String? {
        switch stage {
        case .opening(let trust): openingAdvice(trust)
        case .turnedAway:
            "it closes connections before any data: most likely it has reached its limit, "
                + "--max-connections there"
        case .measuring: measuringAdvice
        }
    }

    private var measuringAdvice: String? {
        switch reason.code {
        case .timedOut, .dead, .stalled:
            "the daemon stopped answering: does it still run there, and is the network in between up?"
        case .closedByPeer, .truncated, .io: Self.ended
        default: nil
        }
    }

    private static let ended = "the daemon ended, or the network in between failed"

    private static let sameKind =
        "both sides must be started with the same kind of trust and address: --peer, --psk-file, "
        + "--anonymous, --insecure-plaintext or tls:"

    private static let sameKindOrFull =
        "\(sameKind) (if they are, its connection slots were all in use a moment ago: try again)"

    private func openingAdvice(_ trust: [String]) -> String? {
        switch reason.code {
        case .cannotConnect, .notListening: return "is `packetbench serve` running there, on this address?"
        case .timedOut: return "what listens there does not answer: is it `packetbench serve`, and not stopped?"
        case .refused where reason.failureCode == .unknownCommand:
            return "what listens there is not `packetbench serve`"
        case .refused where reason.failureCode == .unauthorized:
            return trust.contains("--peer")
                ? "there, --peer must name what `packetbench id` prints here"
                : "give --peer with what `packetbench id` prints there; there, --peer must name what it prints here"
        case .handshake: return handshakeAdvice(trust)
        case .truncated: return "\(Self.ended), or it closed this connection to make room for another: try again"
        default: return canTrustExplain ? Self.sameKindOrFull : nil
        }
    }

    private func handshakeAdvice(_ trust: [String]) -> String? {
        switch handshakeError {
        case .notAdmitted(let id): "if that is the machine you mean, give --peer \(id)"
        case .noIdentity: "start it there with --peer and this machine's `packetbench id`"
        case .notAuthentic where trust.contains("--psk-file"):
            "both sides must be started with --psk-file, and the file must hold the same secret"
        case .notAuthentic: Self.sameKind
        default: canTrustExplain ? Self.sameKindOrFull : nil
        }
    }

    private var handshakeError: HandshakeError? { reason.cause as? HandshakeError }

    /// Whether a daemon that rejects connections for lack of room ends so. Its oldest connection that is not open yet,
    /// which this side may consider open, gives way to a new one.
    var canBeTurnedAway: Bool {
        reason.code == .truncated || canTrustExplain
    }

    /// Whether two kinds of trust that do not match end so.
    private var canTrustExplain: Bool {
        switch reason.code {
        case .malformedPacket, .closedByPeer, .io: true
        case .handshake: if case .unexpectedMessage? = handshakeError { true } else { false }
        case .tls: reason.detail?.contains("EOF during handshake") == true
        default: false
        }
    }
}

extension MeasureFailure: CustomStringConvertible {
    var description: String {
        let what =
            if case .measuring(let part) = stage { "while measuring \(part.title): \(error)" } else { "\(error)" }
        return advice.map { "\(what); \($0)" } ?? what
    }
}
