/// Rounds of gossip between the probes, as long as there is news.
extension SwimCore {
    /// Whether there is news and a member to send it to.
    var hasGossip: Bool { !dissemination.isEmpty && !(members.live.isEmpty && recentlyDead.isEmpty) }

    mutating func gossip(_ now: Int64) {
        guard now >= nextGossip else { return }
        if phase == .leaving, members.live.isEmpty || !dissemination.isQueued(SwimMembers.own) {
            phase = .left
            actions.append(.finished)
            return
        }
        guard hasGossip else { return }
        nextGossip = now + configuration.gossipInterval
        for slot in sample(configuration.gossipFanout, among: members.live, where: { _ in true }) {
            send(.gossip, to: peer(slot))
        }
        guard !recentlyDead.isEmpty else { return }
        let oldest = now - configuration.gossipToDead * configuration.period
        recentlyDead.removeAll { members.records[$0].status != .dead || members.records[$0].since < oldest }
        // As often as to any live member, so that nothing is spent on the dead of a live cluster.
        let share = Double(configuration.gossipFanout) / Double(members.liveCount + recentlyDead.count)
        let chosen = recentlyDead.filter { _ in Double.random(in: 0..<1, using: &random) < share }
        for slot in chosen.prefix(configuration.gossipFanout) { send(.gossip, to: peer(slot)) }
    }

    /// Forgets the long dead, and looks for members without contact: the other side of a network partition.
    mutating func maintain(_ now: Int64) {
        let interval = configuration.maintenanceInterval * configuration.period
        // Not all at once: members that started together drift apart.
        nextMaintenance = now + interval * 3 / 4 + Int64(random.next(upperBound: UInt64(interval / 2 + 1)))
        maintenanceCount += 1
        let oldest = now - configuration.deadRetention * configuration.period
        let dead = members.order.filter { $0 != SwimMembers.own && !members.records[$0].status.isLive }
        for slot in dead where members.records[slot].since < oldest { forget(slot) }

        guard pull == nil, hasJoined else { return }
        if maintenanceCount.isMultiple(of: 3) {
            if let slot = sample(1, among: members.live, where: { _ in true }).first {
                beginPull(peer(slot), isAnswer: false, now)
            }
        } else if let lost = lostPeer(dead) {
            beginPull(lost, isAnswer: false, now)
        }
    }

    /// A dead member, or a seed at whose address no member lives.
    private mutating func lostPeer(_ dead: [Int]) -> Peer? {
        let unreached = dead.filter {
            members.records[$0].status == .dead && members.slot(of: members.records[$0].id) == $0
        }
        let reached = Set(members.live.map { members.records[$0].address })
        let silent = seeds.filter { !reached.contains($0) }
        let candidates = unreached.map { peer($0) } + silent.map { Peer(slot: nil, address: $0) }
        return candidates.randomElement(using: &random)
    }

    private mutating func forget(_ slot: Int) {
        dissemination.forget(slot)
        recentlyDead.removeAll { $0 == slot }
        members.remove(slot)
    }
}
