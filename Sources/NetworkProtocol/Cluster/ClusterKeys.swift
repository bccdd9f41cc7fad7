internal import Synchronization

/// The current keys of a member, for datagrams and for messages.
final class ClusterKeys: Sendable {
    /// Most keys of a member at once.
    static let limit = 8

    private struct State {
        var keys: [ClusterKey] = []
        var keyring: SwimKeyring?
        var messaging: [PreSharedKey] = []

        mutating func use(_ keys: [ClusterKey], _ clusterName: String) {
            self.keys = keys
            keyring = keys.isEmpty ? nil : SwimKeyring(clusterName: clusterName, keys: keys)
            messaging = keys.map { $0.messagingKey(clusterName: clusterName) }
        }
    }

    private let clusterName: String
    private let state = Mutex(State())

    init(_ configuration: ClusterConfiguration) {
        clusterName = configuration.name
        state.withLock { $0.use(configuration.keys, configuration.name) }
    }

    /// The first one seals, each opens.
    var all: [ClusterKey] { state.withLock { $0.keys } }
    /// Nil without a key; no member runs without one.
    var keyring: SwimKeyring? { state.withLock { $0.keyring } }
    /// In the order of the keys.
    var messaging: [PreSharedKey] { state.withLock { $0.messaging } }

    func change(to keys: [ClusterKey]) throws(ClusterError) {
        try Self.check(keys)
        let isStep = state.withLock { state in
            guard let first = keys.first, state.keys.contains(first) else { return false }
            state.use(keys, clusterName)
            return true
        }
        guard isStep else {
            throw .configuration(
                "keys: the first one, which seals, is new to this member, and may be to others, who could not read it; "
                    + "give it to every member behind the present first one, then put it first"
            )
        }
    }

    static func check(_ keys: [ClusterKey]) throws(ClusterError) {
        guard (1...limit).contains(keys.count) else {
            throw .configuration("keys: there are \(keys.count), and there must be 1 to \(limit)")
        }
    }
}
