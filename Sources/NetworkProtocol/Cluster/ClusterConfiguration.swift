public import Identity

/// A member's identity, where it listens and how its cluster behaves. All members need the same name, a common key, and
/// the same ``period`` and ``pingTimeout``.
public struct ClusterConfiguration: Sendable {
    /// Clusters with different names ignore each other, even with the same key.
    public var name: String
    /// The cluster's keys: the first one seals; datagrams under any of them are accepted. To change a key while the
    /// cluster runs, see ``Cluster/changeKeys(to:)``.
    public var keys: [ClusterKey]
    /// This machine's key. No other member may have it.
    public var identity: IdentityKey
    /// UDP address to listen on: an IP address and a port, for example `0.0.0.0:7000` or `[::]:7000` (which is both
    /// families on Linux). Port 0 lets the system choose one.
    public var listening: MemberAddress
    /// Where others reach it, if that is not where it listens: behind address translation, or listening on `0.0.0.0` or
    /// `::` on a machine with several addresses (the default is then the first non-loopback address). Port 0 means the
    /// listening port.
    public var advertised: MemberAddress?
    /// Members to join through, each `HOST:PORT` with a name or an address; the member ignores its own address. Without
    /// seeds it waits for others. At most 64 addresses are used.
    public var seeds: [String]
    /// How this member's connections to the others behave, and where it accepts theirs.
    public var messaging = ClusterMessagingOptions()
    /// Time between two probes of a member, 50 ms to 60 s. In a cluster of 500, all members know of a crash within ten
    /// periods.
    public var period = Duration.seconds(1)
    /// How long a direct ping may take until other members are asked to try: more than a round trip to the farthest
    /// member, less than half a period.
    public var pingTimeout = Duration.milliseconds(300)
    /// Members to remember, the dead included: 2 to 65 536. Further ones are ignored.
    public var maximumMembers = 10_000
    /// How long ``Cluster/leave()`` and a graceful shutdown may take to tell the others.
    public var leaveTimeout = Duration.seconds(5)

    /// With the defaults for everything that is not given.
    public init(
        name: String,
        key: ClusterKey,
        identity: IdentityKey,
        listening: MemberAddress,
        seeds: [String] = []
    ) {
        self.name = name
        keys = [key]
        self.identity = identity
        self.listening = listening
        self.seeds = seeds
    }

    /// The core's configuration, or why a value is out of range.
    func validated() throws(ClusterError) -> (core: SwimConfiguration, id: MemberID) {
        guard !name.isEmpty, name.utf8.count <= 255 else { throw .configuration("name: 1 to 255 bytes") }
        try ClusterKeys.check(keys)
        guard let id = MemberID(identity.endpointID) else { throw .configuration("identity: a key of zeros only") }
        guard (.milliseconds(50)...(.seconds(60))).contains(period) else {
            throw .configuration("period: \(period) is not 50 ms to 60 s")
        }
        guard pingTimeout >= .milliseconds(1), pingTimeout * 2 < period else {
            throw .configuration("pingTimeout: \(pingTimeout) is not 1 ms to half of the period \(period)")
        }
        guard (2...65_536).contains(maximumMembers) else {
            throw .configuration("maximumMembers: \(maximumMembers) is not 2 to 65536")
        }
        guard (.zero...(.seconds(3_600))).contains(leaveTimeout) else {
            throw .configuration("leaveTimeout: \(leaveTimeout) is not 0 to 1 h")
        }
        guard (1...65_536).contains(messaging.maximumConnections) else {
            throw .configuration("messaging.maximumConnections: \(messaging.maximumConnections) is not 1 to 65536")
        }
        for seed in seeds {
            guard let (_, port) = HostAndPort.split(seed) else {
                let form = "HOST:PORT, with a port from 1 to 65535, and with brackets around an IPv6 address"
                throw .configuration("seeds: \"\(seed.prefix(300))\" is not \(form)")
            }
            guard port != 0 else {
                throw .configuration("seeds: \"\(seed)\" has port 0; a seed needs a port from 1 to 65535")
            }
        }
        var core = SwimConfiguration()
        core.period = period.nanoseconds
        core.pingTimeout = pingTimeout.nanoseconds
        core.maximumMembers = maximumMembers
        return (core, id)
    }
}

extension Duration {
    /// Of a duration of at most 292 years.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
