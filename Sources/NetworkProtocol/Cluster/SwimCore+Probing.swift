/// The failure detector: one probe per period (Das et al., sections 3.1 and 4.3).
extension SwimCore {
    /// A ping in progress.
    struct Probe {
        let slot: Int
        let target: MemberID
        let sequence: UInt64
        /// When other members are asked.
        let deadline: Int64
        var isIndirect = false
        /// Members that were asked and have not answered.
        var helpers: [MemberID] = []
        /// Helpers that got no answer either.
        var witnesses: [MemberID] = []
    }

    /// A ping in progress for another member.
    struct Relay {
        let sequence: UInt64
        let target: MemberID
        let originSequence: UInt64
        let origin: Peer
        /// When the origin learns that no answer came.
        let deadline: Int64
    }

    mutating func handleProbeTimeout(_ now: Int64) {
        if let probe, !probe.isIndirect, now >= probe.deadline { askHelpers(probe) }
        guard now >= nextProbe else { return }
        concludeProbe(now)
        let interval = configuration.period * Int64(healthScore + 1)
        nextProbe = nextProbe + interval > now ? nextProbe + interval : now + interval
        guard let slot = nextTarget() else { return }
        let sequence = random.next()
        probe = Probe(
            slot: slot,
            target: members.records[slot].id,
            sequence: sequence,
            deadline: now + configuration.pingTimeout * Int64(healthScore + 1)
        )
        send(.ping(sequence: sequence, target: members.records[slot].id), to: peer(slot))
    }

    private mutating func askHelpers(_ pending: Probe) {
        var asked = pending
        asked.isIndirect = true
        let helpers = sample(configuration.indirectProbes, among: members.live) { $0 != pending.slot }
        asked.helpers = helpers.map { members.records[$0].id }
        probe = asked
        for helper in helpers {
            send(.pingRequest(sequence: pending.sequence, target: pending.target), to: peer(helper))
        }
    }

    /// The period is over. A member that has not answered is suspected by this member and by each helper that reported
    /// the same.
    private mutating func concludeProbe(_ now: Int64) {
        guard let probe else { return }
        self.probe = nil
        // Silent helpers suggest a fault at this end.
        let asked = probe.helpers.count + probe.witnesses.count
        worsenHealth(by: asked > 0 ? probe.helpers.count : 1)
        guard let slot = members.slot(of: probe.target), members.records[slot].status.isLive else { return }
        var accusers = SwimAccusers(own.id)
        for witness in probe.witnesses { accusers.insert(SwimAccusers.tag(of: witness)) }
        let incarnation = members.records[slot].incarnation
        apply(SwimUpdate(id: probe.target, incarnation: incarnation, claim: .suspect(accusers)), now)
        // The suspect itself learns of it at once.
        send(.gossip, to: peer(slot))
    }

    mutating func receiveAck(_ sequence: UInt64, from sender: MemberID, _ now: Int64) {
        if let pending = probe, pending.sequence == sequence {
            guard sender == pending.target || pending.helpers.contains(sender) else { return }
            worsenHealth(by: -1)
            probe = nil
        } else if let index = relays.firstIndex(where: { $0.sequence == sequence && $0.target == sender }) {
            let relay = relays.remove(at: index)
            send(.ack(sequence: relay.originSequence), to: relay.origin)
        }
    }

    mutating func receiveNack(_ sequence: UInt64, from sender: MemberID) {
        guard probe?.sequence == sequence, let index = probe?.helpers.firstIndex(of: sender) else { return }
        probe?.helpers.remove(at: index)
        probe?.witnesses.append(sender)
    }

    mutating func relayPing(_ originSequence: UInt64, _ target: MemberID, for origin: Peer, _ now: Int64) {
        guard relays.count < configuration.maximumRelays, let slot = members.slot(of: target), slot != SwimMembers.own
        else { return }
        let sequence = random.next()
        let deadline = now + configuration.pingTimeout
        relays.append(
            Relay(
                sequence: sequence,
                target: target,
                originSequence: originSequence,
                origin: origin,
                deadline: deadline
            )
        )
        send(.ping(sequence: sequence, target: target), to: peer(slot))
    }

    mutating func expireRelays(_ now: Int64) {
        while let index = relays.firstIndex(where: { now >= $0.deadline }) {
            let relay = relays.remove(at: index)
            send(.nack(sequence: relay.originSequence), to: relay.origin)
        }
    }

    /// The next of the shuffled order, which is reshuffled after each round; every third time the next on the ring.
    private mutating func nextTarget() -> Int? {
        probeCount += 1
        if probeCount.isMultiple(of: configuration.ringProbeInterval), let successor = ringSuccessor() {
            return successor
        }
        while let slot = popProbeOrder() {
            if slot < members.records.count, slot != SwimMembers.own, members.isLive(slot) { return slot }
        }
        probeOrder = members.live
        probeOrder.shuffle(using: &random)
        isInProbeOrder = [Bool](repeating: false, count: members.records.count)
        for slot in probeOrder { isInProbeOrder[slot] = true }
        return popProbeOrder()
    }

    private mutating func popProbeOrder() -> Int? {
        guard let slot = probeOrder.popLast() else { return nil }
        isInProbeOrder[slot] = false
        return slot
    }

    /// A new member gets its turn at a random time in this round.
    mutating func enterProbeOrder(_ slot: Int) {
        while isInProbeOrder.count <= slot { isInProbeOrder.append(false) }
        guard !isInProbeOrder[slot] else { return }
        isInProbeOrder[slot] = true
        probeOrder.append(slot)
        probeOrder.swapAt(probeOrder.count - 1, Int.random(in: probeOrder.indices, using: &random))
    }

    /// The first live member above this one's ID, or else the lowest.
    private func ringSuccessor() -> Int? {
        let start = members.position(above: own.id)
        for offset in members.order.indices {
            let slot = members.order[(start + offset) % members.order.count]
            if members.isLive(slot) { return slot }
        }
        return nil
    }

    /// Up to `count` different slots of a list that satisfy a condition, in random order.
    mutating func sample(_ count: Int, among slots: [Int], where condition: (Int) -> Bool) -> [Int] {
        var chosen: [Int] = []
        // Few of many: drawing again is cheaper than copying the list.
        var tries = 4 * count + 8
        while chosen.count < count, chosen.count < slots.count, tries > 0 {
            tries -= 1
            let slot = slots[Int.random(in: slots.indices, using: &random)]
            if condition(slot), !chosen.contains(slot) { chosen.append(slot) }
        }
        return chosen
    }
}
