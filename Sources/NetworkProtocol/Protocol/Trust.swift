public import Identity

/// What each side of a handshake requires of the other. There is no default: the program must choose.
public struct Trust: Sendable {
    /// Decides which keys the peer may prove; nil if it need prove none.
    let admits: (@Sendable (EndpointID) -> Bool)?
    /// The secret that both sides must have in addition, as of now.
    var preSharedKey: PreSharedKey? { currentPreSharedKey?() }
    private let currentPreSharedKey: (@Sendable () -> PreSharedKey?)?

    /// What this side proves.
    let identity: IdentityKey?

    private init(
        admits: (@Sendable (EndpointID) -> Bool)?,
        currentPreSharedKey: (@Sendable () -> PreSharedKey?)?,
        identity: IdentityKey?
    ) {
        self.admits = admits
        self.currentPreSharedKey = currentPreSharedKey
        self.identity = identity
    }

    /// The peer must prove that it has one of these keys; this side proves `identity`.
    public static func pinned(_ peers: Set<EndpointID>, identity: IdentityKey) -> Trust {
        pinned(identity: identity) { peers.contains($0) }
    }

    /// The peer must prove a key for which `admits` returns true at that moment; this side proves `identity`.
    ///
    /// - Parameters:
    ///   - preSharedKey: if given, both sides must have it too; neither reveals its identity to a peer without it.
    ///   - admits: called on an event loop; must not block.
    public static func pinned(
        identity: IdentityKey,
        preSharedKey: PreSharedKey? = nil,
        by admits: @escaping @Sendable (EndpointID) -> Bool
    ) -> Trust {
        var current: (@Sendable () -> PreSharedKey?)?
        if let preSharedKey { current = { preSharedKey } }
        return Trust(admits: admits, currentPreSharedKey: current, identity: identity)
    }

    /// Like above, with a secret that may change: each handshake reads it once.
    static func pinned(
        identity: IdentityKey,
        currentPreSharedKey: (@Sendable () -> PreSharedKey?)?,
        by admits: @escaping @Sendable (EndpointID) -> Bool
    ) -> Trust {
        Trust(admits: admits, currentPreSharedKey: currentPreSharedKey, identity: identity)
    }

    /// Both sides must have this secret. It does not distinguish its holders: an attacker on the path, who does not
    /// have it, can still connect a client to another daemon that does. If that matters, use a secret for each pair, or
    /// also pin identities.
    public static func preSharedKey(_ key: PreSharedKey) -> Trust {
        Trust(admits: nil, currentPreSharedKey: { key }, identity: nil)
    }

    /// Encrypted, but **no peer is authenticated**: an attacker on the path can pose as the other side to both. With
    /// `identity` this side proves its identity to a peer that requires it. A peer that proves a key is known by it;
    /// any other is admitted too.
    public static func anonymous(identity: IdentityKey? = nil) -> Trust {
        Trust(admits: nil, currentPreSharedKey: nil, identity: identity)
    }

    /// Encrypted, but **no peer is authenticated**.
    public static var anonymous: Trust { anonymous() }

    /// Throws unless the peer that proved `id`, or nothing, is admitted.
    func judge(_ id: EndpointID?) throws(HandshakeError) {
        guard let admits else { return }
        guard let id else { throw .noIdentity }
        guard admits(id) else { throw .notAdmitted(id) }
    }
}
