internal import Identity
internal import NetworkProtocol

/// One side of one handshake, with what its trust comes to, said a second time and more simply.
struct HandshakeParty {
    let trust: Trust
    /// The key that it proves.
    let proves: EndpointID?
    /// The only key that it admits; nil when it asks for none.
    let demands: EndpointID?
    /// Which pre-shared key it has; nil without one.
    let preSharedKey: UInt8?
    /// Whether it is one of those that the attacker has made.
    let isHostile: Bool

    /// Whether the challenge of `other` can be opened and is admitted, when nothing was changed on the way.
    func admits(_ other: HandshakeParty) -> Bool {
        preSharedKey == other.preSharedKey && (demands == nil || demands == other.proves)
    }

    /// Whether a party of the attacker's must never be taken for a peer here.
    var isAuthenticating: Bool { !isHostile && (demands != nil || preSharedKey != nil) }

    // MARK: Who there is

    /// The kinds of trust of the honest initiators and responders.
    static func honest(_ choice: UInt8) -> (initiator: HandshakeParty, responder: HandshakeParty) {
        switch choice % 4 {
        case 0: (pinned(client, server), pinned(server, client))
        case 1: (preShared(9), preShared(9))
        case 2: (pinned(client, server), known(server))
        default: (unknown(isHostile: false), known(server))
        }
    }

    /// The attacker's identity: a key of its own, none, or another secret.
    static func hostile(_ choice: UInt8) -> HandshakeParty {
        switch choice % 3 {
        case 0:
            HandshakeParty(
                trust: .anonymous(identity: stranger),
                proves: stranger.endpointID,
                demands: nil,
                preSharedKey: nil,
                isHostile: true
            )
        case 1: unknown(isHostile: true)
        default: preShared(8, isHostile: true)
        }
    }

    private static let server = identity(1)
    private static let client = identity(2)
    private static let stranger = identity(3)

    private static func identity(_ number: UInt8) -> IdentityKey {
        guard let key = IdentityKey(seed: [UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes are a key")
        }
        return key
    }

    private static func pinned(_ own: IdentityKey, _ other: IdentityKey) -> HandshakeParty {
        HandshakeParty(
            trust: .pinned([other.endpointID], identity: own),
            proves: own.endpointID,
            demands: other.endpointID,
            preSharedKey: nil,
            isHostile: false
        )
    }

    private static func preShared(_ number: UInt8, isHostile: Bool = false) -> HandshakeParty {
        guard let key = PreSharedKey([UInt8](repeating: number, count: PreSharedKey.length)) else {
            preconditionFailure("32 bytes are a key")
        }
        return HandshakeParty(
            trust: .preSharedKey(key),
            proves: nil,
            demands: nil,
            preSharedKey: number,
            isHostile: isHostile
        )
    }

    private static func known(_ own: IdentityKey) -> HandshakeParty {
        HandshakeParty(
            trust: .anonymous(identity: own),
            proves: own.endpointID,
            demands: nil,
            preSharedKey: nil,
            isHostile: false
        )
    }

    private static func unknown(isHostile: Bool) -> HandshakeParty {
        HandshakeParty(trust: .anonymous, proves: nil, demands: nil, preSharedKey: nil, isHostile: isHostile)
    }
}
