public import Identity

/// What each side of a handshake demands of the other. There is no default: whoever opens a connection says it.
public struct Trust: Sendable {
    enum Demand: Sendable {
        /// The peer proves a key for which this says true.
        case key(@Sendable (EndpointID) -> Bool)
        case preSharedKey(PreSharedKey)
        case nothing
    }

    let demand: Demand
    /// What this side proves.
    let identity: IdentityKey?

    /// The peer must prove that it holds one of these keys; this side proves `identity`.
    public static func pinned(_ peers: Set<EndpointID>, identity: IdentityKey) -> Trust {
        Trust(demand: .key { peers.contains($0) }, identity: identity)
    }

    /// The peer must prove a key that `admits` says true for at that moment; this side proves `identity`.
    ///
    /// `admits` is called on an event loop and must not block.
    public static func pinned(identity: IdentityKey, by admits: @escaping @Sendable (EndpointID) -> Bool) -> Trust {
        Trust(demand: .key(admits), identity: identity)
    }

    /// Both sides must hold this secret. Whoever holds it is any of those that do.
    public static func preSharedKey(_ key: PreSharedKey) -> Trust {
        Trust(demand: .preSharedKey(key), identity: nil)
    }

    /// Encrypted, and **nobody is authenticated**: an attacker on the path can be the other side to both. With `identity` this side
    /// proves who it is to a peer that asks for it; a peer that proves a key is known by it, and any other is admitted too.
    public static func anonymous(identity: IdentityKey? = nil) -> Trust {
        Trust(demand: .nothing, identity: identity)
    }

    /// Encrypted, and **nobody is authenticated**.
    public static var anonymous: Trust { anonymous() }

    var preSharedKey: PreSharedKey? {
        if case .preSharedKey(let key) = demand { key } else { nil }
    }

    /// Throws unless the peer that proved `id`, or nothing, is admitted.
    func judge(_ id: EndpointID?) throws(HandshakeError) {
        guard case .key(let admits) = demand else { return }
        guard let id else { throw .noIdentity }
        guard admits(id) else { throw .notAdmitted(id) }
    }
}
