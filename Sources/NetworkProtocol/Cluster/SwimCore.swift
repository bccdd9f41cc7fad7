/// An action for the owner of the core.
package enum SwimAction: Sendable, Hashable {
    /// Seal the message and send it.
    case send([UInt8], to: MemberAddress)
    /// Report the event to the listeners.
    case event(MembershipEvent)
    /// Another member, at that address, has this one's ID: neither can be a member as long as both run.
    case conflict(at: MemberAddress)
    /// All members know that this one leaves; nothing follows.
    case finished
}

/// SWIM: who belongs to a cluster, and who of them answers (Das, Gupta, Motivala 2002), with Lifeguard's suspicion and
/// local health (Dadgar et al. 2018).
///
/// It takes messages and the time and returns actions; it has no clock, socket or task. After each call, read
/// ``deadline``.
///
/// A member seen by another:
///
///     (unknown) ──alive──▶ alive ◀──alive i+1── suspect ──timeout, dead──▶ dead
///                            └──────suspect i──────▶┘            dead, left ──alive i+1──▶ alive
///
/// At the same incarnation dead and left outweigh suspect, and suspect outweighs alive; only the member itself raises
/// its incarnation. So messages may arrive late, twice and in any order, and an old one changes nothing.
///
/// Wrong events: bytes that are no message throw and change nothing (the peer's fault); unexpected acks and pages,
/// pings for another member and old claims are ignored (normal in networks); no message traps.
package struct SwimCore: Sendable {
    enum Phase { case active, leaving, left }

    let configuration: SwimConfiguration
    var seeds: [MemberAddress] = []
    var members: SwimMembers
    var dissemination = SwimDissemination()
    var random: SplitMix64
    var actions: [SwimAction] = []
    var phase = Phase.active
    /// Where another member with this one's ID claims to be, until that is reported.
    var rival: MemberAddress?

    var probe: Probe?
    var probeOrder: [Int] = []
    /// By slot: each is in the order at most once, however often its member fails and comes back.
    var isInProbeOrder: [Bool] = []
    var probeCount = 0
    var nextProbe: Int64
    var relays: [Relay] = []
    /// Dadgar et al.: how much this member has reason to doubt itself; 0 is healthy.
    package internal(set) var healthScore = 0

    var suspects: [Int] = []
    var nextSuspicion = Int64.max
    /// Slots of the dead that still get gossip.
    var recentlyDead: [Int] = []
    var nextGossip: Int64

    var pull: Pull?
    var nextPage = 0
    var pages: Allowance
    /// When to try the next seed; never if that is done or there is none.
    var nextJoin: Int64
    /// Another member has sent all that it knows.
    var hasExchanged = false
    var nextSeed = 0
    var nextMaintenance: Int64
    var maintenanceCount = 0

    /// - Parameters:
    ///   - id: this member's.
    ///   - address: where others send it datagrams.
    ///   - messagingPort: TCP port for messages, 0 for none.
    ///   - incarnation: higher than in any earlier life, for example milliseconds since 1970. If it is not, the cluster
    ///     says so and the member exceeds what the cluster knows.
    ///   - seeds: members to join through; its own address among them is ignored.
    ///   - seed: of the random numbers.
    ///   - now: nanoseconds of a monotonic clock, as in all calls.
    package init(
        id: MemberID,
        address: MemberAddress,
        messagingPort: UInt16 = 0,
        incarnation: UInt64,
        seeds: [MemberAddress],
        configuration: SwimConfiguration = SwimConfiguration(),
        seed: UInt64,
        now: Int64
    ) {
        let own = SwimMembers.Record(
            id: id,
            address: address,
            messagingPort: messagingPort,
            incarnation: min(incarnation, SwimUpdate.incarnationLimit - 1),
            status: .alive,
            since: now
        )
        self.configuration = configuration
        members = SwimMembers(own: own, limit: configuration.maximumMembers)
        random = SplitMix64(seed: seed)
        pages = Allowance(configuration.pageBurst, oneEach: configuration.pageInterval)
        nextGossip = now
        nextJoin = .max
        // Members that start together must not probe together.
        nextProbe = now + 1 + Int64(random.next(upperBound: UInt64(configuration.period)))
        nextMaintenance = nextProbe
        use(seeds: seeds, now: now)
    }

    /// Other members to join through from now on.
    package mutating func use(seeds: [MemberAddress], now: Int64) {
        let others = seeds.lazy.filter { [address = own.address] in $0 != address && $0.isUnicast }
        self.seeds = Array(others.prefix(configuration.maximumSeeds))
        guard !hasExchanged else { return }
        if self.seeds.isEmpty { nextJoin = .max } else if nextJoin == .max { nextJoin = now }
    }

    /// This member.
    package var own: ClusterMember { members.records[SwimMembers.own].member }

    /// All remembered members, this one and the dead included, by id.
    package var snapshot: [ClusterMember] { members.order.map { members.records[$0].member } }

    /// Members that are alive or suspect, this one included.
    package var liveCount: Int { members.liveCount }

    package func member(_ id: MemberID) -> ClusterMember? { members.slot(of: id).map { members.records[$0].member } }

    /// Whether a seed or member has sent what it knows; true from the start without seeds.
    package var hasJoined: Bool { nextJoin == .max }

    /// Whether each seed was asked several times and none has answered.
    package var findsNoMember: Bool { !hasJoined && !seeds.isEmpty && nextSeed > Self.quietRounds * seeds.count }

    /// Datagrams get lost, and members that start together do not listen at the same moment.
    private static let quietRounds = 3

    /// When to call ``handleTimeout(now:)``.
    package var deadline: Int64 {
        guard phase != .left else { return .max }
        var earliest = phase == .leaving || hasGossip ? nextGossip : Int64.max
        for relay in relays { earliest = min(earliest, relay.deadline) }
        guard phase == .active else { return earliest }
        earliest = min(earliest, nextProbe, nextSuspicion, nextMaintenance)
        earliest = min(earliest, pull?.deadline ?? nextJoin)
        if let probe, !probe.isIndirect { earliest = min(earliest, probe.deadline) }
        return earliest
    }

    /// A message arrived.
    ///
    /// - Parameter source: where it came from; only used to answer an unknown sender that does not name its address.
    /// - Throws: if it is not a message; then nothing has changed.
    package mutating func receive(
        _ bytes: [UInt8],
        from source: MemberAddress,
        now: Int64
    ) throws(SwimMessageError) -> [SwimAction] {
        let message = try SwimMessage(decoding: bytes)
        guard phase != .left else { return [] }
        guard message.sender != own.id else {
            // Its own reflected messages contain nothing new.
            if let claimed = message.claimedAddress, claimed != own.address { rival = claimed }
            return takeActions()
        }
        if case .page = message.body {
            receivePage(message, now)
        } else {
            for update in message.updates { apply(update, now) }
        }
        let slot = members.slot(of: message.sender)
        // Answers go to the sender's known address, not to where a datagram seems to come from: that is easily forged.
        let known = slot.map { members.records[$0].address } ?? source
        let peer = Peer(slot: slot, address: message.claimedAddress ?? known)
        switch message.body {
        case .ping(let sequence, let target):
            if target == own.id { send(.ack(sequence: sequence), to: peer) }
        case .pingRequest(let sequence, let target):
            relayPing(sequence, target, for: peer, now)
        case .ack(let sequence): receiveAck(sequence, from: message.sender, now)
        case .nack(let sequence): receiveNack(sequence, from: message.sender)
        case .gossip, .page: break
        case .pull(let sequence, let isAnswer, let cursor, let digest):
            answerPull(sequence, cursor, digest, peer, now)
            if !isAnswer, cursor == .lowest, digest != members.digest { beginPull(peer, isAnswer: true, now) }
        }
        // A member that this one does not know knows this one: there is more that it does not know.
        if slot == nil, members.liveCount < configuration.maximumMembers { beginPull(peer, isAnswer: true, now) }
        // News that ends a pause is spread from now on; it is not late.
        nextGossip = max(nextGossip, now)
        return takeActions()
    }

    /// ``deadline`` has passed.
    package mutating func handleTimeout(now: Int64) -> [SwimAction] {
        guard now >= deadline else { return [] }
        if phase == .active {
            forgiveStall(now)
            expireSuspicions(now)
            handleProbeTimeout(now)
            handlePullTimeout(now)
            if now >= nextMaintenance { maintain(now) }
        }
        expireRelays(now)
        gossip(now)
        return takeActions()
    }

    /// Announces that this member leaves. ``SwimAction/finished`` follows when it was announced often enough for all to
    /// know.
    package mutating func leave(now: Int64) -> [SwimAction] {
        guard phase == .active else { return [] }
        phase = .leaving
        probe = nil
        pull = nil
        members.change(SwimMembers.own) {
            $0.status = .left
            $0.incarnation = min($0.incarnation + 1, SwimUpdate.incarnationLimit - 1)
        }
        dissemination.enqueue(SwimMembers.own)
        nextGossip = now
        gossip(now)
        return takeActions()
    }

    mutating func takeActions() -> [SwimAction] {
        defer {
            actions = []
            rival = nil
        }
        return rival.map { actions + [.conflict(at: $0)] } ?? actions
    }

    /// A stopped process finds every deadline passed, although no member had a chance to answer: that is its own fault.
    private mutating func forgiveStall(_ now: Int64) {
        let late = now - deadline
        guard late > configuration.period / 2 else { return }
        worsenHealth(by: 1)
        probe = nil
        relays = []
        for slot in suspects where members.records[slot].status == .suspect {
            members.change(slot) { $0.deadline += late }
        }
        if nextSuspicion != .max { nextSuspicion += late }
    }

    mutating func worsenHealth(by amount: Int) {
        healthScore = min(configuration.maximumHealthScore, max(0, healthScore + amount))
    }
}

extension SwimMessage {
    /// Where the sender claims to be. A pull has it: a member that returns at another address with a slow clock would
    /// otherwise never hear that its incarnation is too low.
    fileprivate var claimedAddress: MemberAddress? {
        guard case .pull = body, let own = updates.first(where: { $0.id == sender }) else { return nil }
        guard case .alive(let address, _) = own.claim else { return nil }
        return address
    }
}

extension SwimCore {
    /// The recipient of a message.
    struct Peer {
        /// Nil if it is not in the table.
        let slot: Int?
        let address: MemberAddress
    }

    func peer(_ slot: Int) -> Peer { Peer(slot: slot, address: members.records[slot].address) }

    /// Sends a message with as many updates as fit. A member that is not considered alive learns that before anything
    /// else, so that it can refute it (Dadgar et al.: the buddy system).
    mutating func send(_ body: SwimMessage.Body, to peer: Peer) {
        var message = SwimMessage(sender: own.id, body: body)
        var room = SwimMessage.maximumLength - body.encodedLength
        func add(_ update: SwimUpdate) -> Bool {
            guard update.encodedLength <= room, message.updates.count < 255 else { return false }
            room -= update.encodedLength
            message.updates.append(update)
            return true
        }
        if let slot = peer.slot, members.records[slot].status != .alive { _ = add(members.records[slot].update) }
        if case .pull = body { _ = add(members.records[SwimMembers.own].update) }
        let limit = configuration.transmissions(members: members.liveCount)
        let records = members.records
        dissemination.take(limit: limit) { add(records[$0].update) }
        actions.append(.send(message.encoded(), to: peer.address))
    }
}
