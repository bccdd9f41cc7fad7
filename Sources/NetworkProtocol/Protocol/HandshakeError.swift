public import Identity

/// Why a handshake failed. The connection is closed; nothing of it was passed to the program.
public enum HandshakeError: Error, Sendable, Hashable {
    /// The initiator's clock differs by `milliseconds`, more than ``HandshakeLimits/clockTolerance``.
    case clockSkew(milliseconds: Int64)
    /// This opening was seen before.
    case replayed
    /// The peer's ephemeral key leads to a shared secret that anyone knows.
    case weakKey
    /// The peer's sealed answer was not made with the same secrets: another pre-shared key, another kind of trust, or
    /// an attacker in between.
    case notAuthentic
    /// A correctly sealed proof is not valid.
    case invalidProof
    /// The peer proved no identity, and this side requires one.
    case noIdentity
    /// The peer proved its identity, which is not an admitted one.
    case notAdmitted(EndpointID)
    /// Another message than the handshake's next one arrived.
    case unexpectedMessage(String)
    /// The machine's own key could not sign.
    case cannotSign

    /// One word, for metrics and logs.
    public var reason: String {
        switch self {
        case .clockSkew: "clock_skew"
        case .replayed: "replayed"
        case .weakKey: "weak_key"
        case .notAuthentic: "not_authentic"
        case .invalidProof: "invalid_proof"
        case .noIdentity: "no_identity"
        case .notAdmitted: "not_admitted"
        case .unexpectedMessage: "unexpected_message"
        case .cannotSign: "cannot_sign"
        }
    }
}

extension HandshakeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .clockSkew(let milliseconds):
            "the clocks of the two machines differ by \(milliseconds) ms, and 5000 are allowed: set both by NTP"
        case .replayed: "this handshake was opened before with the same nonce: a replay"
        case .weakKey: "the peer sent an ephemeral key that leads to a secret anybody knows"
        case .notAuthentic:
            "the peer's answer was not sealed with the same secrets: the pre-shared keys differ, one side trusts by "
                + "keys and the other by a pre-shared key, or somebody stands in between"
        case .invalidProof: "the peer's proof of its identity does not hold"
        case .noIdentity: "the peer proved no identity, and this side admits only keys that it knows"
        case .notAdmitted(let id): "\(id) is not admitted here"
        case .unexpectedMessage(let name): "\(name) came where a handshake's next message was expected"
        case .cannotSign: "this machine's identity key could not sign"
        }
    }
}

/// The limits of a handshake.
public enum HandshakeLimits {
    /// How far the initiator's clock may be off, in milliseconds, either way.
    public static let clockTolerance: Int64 = 5_000
    /// Openings that a daemon remembers, to refuse them if they come again.
    public static let rememberedNonces = 10_000
    /// Longest packet before the peer is identified, in bytes: twice the longest one, a confirmation in JSON.
    public static let maximumPayloadLength = 1_024
}
