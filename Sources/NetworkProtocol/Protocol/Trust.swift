public import Identity

/// What each side of a handshake demands of the other. There is no default: whoever opens a connection says it.
public struct Trust: Sendable {
    /// Says which keys the peer may prove; nil when it need prove none.
    let admits: (@Sendable (EndpointID) -> Bool)?
    /// What both sides must hold, beside all else, at this moment.
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

    /// The peer must prove that it holds one of these keys; this side proves `identity`.
    public static func pinned(_ peers: Set<EndpointID>, identity: IdentityKey) -> Trust {
        pinned(identity: identity) { peers.contains($0) }
    }

    /// The peer must prove a key that `admits` says true for at that moment; this side proves `identity`.
    ///
    /// - Parameters:
    ///   - preSharedKey: with one, both sides must hold it too; to whoever does not, neither says who it is.
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

    /// As above, with a secret that may change: each handshake asks for it once.
    static func pinned(
        identity: IdentityKey,
        currentPreSharedKey: (@Sendable () -> PreSharedKey?)?,
        by admits: @escaping @Sendable (EndpointID) -> Bool
    ) -> Trust {
        Trust(admits: admits, currentPreSharedKey: currentPreSharedKey, identity: identity)
    }

    /// Both sides must hold this secret. Whoever holds it is any of those that do: an attacker on the path, who does not, can still connect a
    /// client to another daemon that holds it. Where that matters, use a secret for each pair, or pin identities beside it.
    public static func preSharedKey(_ key: PreSharedKey) -> Trust {
        Trust(admits: nil, currentPreSharedKey: { key }, identity: nil)
    }

    /// Encrypted, and **nobody is authenticated**: an attacker on the path can be the other side to both. With `identity` this side
    /// proves who it is to a peer that asks for it; a peer that proves a key is known by it, and any other is admitted too.
    public static func anonymous(identity: IdentityKey? = nil) -> Trust {
        Trust(admits: nil, currentPreSharedKey: nil, identity: identity)
    }

    /// Encrypted, and **nobody is authenticated**.
    public static var anonymous: Trust { anonymous() }

    /// Throws unless the peer that proved `id`, or nothing, is admitted.
    func judge(_ id: EndpointID?) throws(HandshakeError) {
        guard let admits else { return }
        guard let id else { throw .noIdentity }
        guard admits(id) else { throw .notAdmitted(id) }
    }
}
