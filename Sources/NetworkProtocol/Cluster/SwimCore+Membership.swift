/// How claims change beliefs (Das et al., section 4.2; Dadgar et al., section IV.B).
extension SwimCore {
    mutating func apply(_ update: SwimUpdate, _ now: Int64) {
        guard let slot = members.slot(of: update.id) else {
            if case .alive(let address, let port) = update.claim { admit(update, address, port, now) }
            return
        }
        guard slot != SwimMembers.own else { return contradict(update, now) }
        let known = members.records[slot]
        switch update.claim {
        case .alive(let address, let port):
            if update.incarnation > known.incarnation { revive(slot, update.incarnation, address, port, now) }
        case .suspect(let accusers):
            guard update.incarnation >= known.incarnation else { return }
            switch known.status {
            case .suspect where update.incarnation == known.incarnation: confirm(slot, accusers)
            case .alive, .suspect: suspect(slot, update.incarnation, accusers, now)
            case .dead, .left: break
            }
        case .dead: if update.incarnation >= known.incarnation { end(slot, .dead, update.incarnation, now) }
        case .left: if update.incarnation >= known.incarnation { end(slot, .left, update.incarnation, now) }
        }
    }

    private mutating func admit(_ update: SwimUpdate, _ address: MemberAddress, _ port: UInt16, _ now: Int64) {
        let record = SwimMembers.Record(
            id: update.id,
            address: address,
            messagingPort: port,
            incarnation: update.incarnation,
            status: .alive,
            since: now
        )
        let before = members.count
        guard let slot = members.insert(record) else { return }
        // A long dead member made room; this may be its slot.
        if members.count == before { dissemination.forget(slot) }
        enterProbeOrder(slot)
        report(.joined, slot)
    }

    private mutating func revive(
        _ slot: Int,
        _ incarnation: UInt64,
        _ address: MemberAddress,
        _ port: UInt16,
        _ now: Int64
    ) {
        let known = members.records[slot]
        members.change(slot) {
            $0.incarnation = incarnation
            $0.address = address
            $0.messagingPort = port
            if $0.status != .alive { $0.since = now }
            $0.status = .alive
            $0.deadline = .max
        }
        switch known.status {
        case .alive:
            let isSame = known.address == address && known.messagingPort == port
            if isSame { dissemination.enqueue(slot) } else { report(.updated, slot) }
        case .suspect: report(.recovered, slot)
        case .dead, .left:
            enterProbeOrder(slot)
            report(.joined, slot)
        }
    }

    private mutating func suspect(_ slot: Int, _ incarnation: UInt64, _ accusers: SwimAccusers, _ now: Int64) {
        let wasAlive = members.records[slot].status == .alive
        // In a cluster of two or three no member is left to confirm.
        let expected = min(SwimAccusers.limit - 1, max(0, members.liveCount - 2))
        members.change(slot) {
            $0.status = .suspect
            $0.incarnation = incarnation
            $0.accusers = accusers
            $0.expectedConfirmations = expected
            $0.since = now
        }
        if !suspects.contains(slot) { suspects.append(slot) }
        scheduleSuspicion(slot)
        if wasAlive { report(.suspected, slot) } else { dissemination.enqueue(slot) }
    }

    private mutating func confirm(_ slot: Int, _ accusers: SwimAccusers) {
        var all = members.records[slot].accusers
        guard all.merge(accusers) else { return }
        members.change(slot) { $0.accusers = all }
        scheduleSuspicion(slot)
        dissemination.enqueue(slot)
    }

    private mutating func scheduleSuspicion(_ slot: Int) {
        let record = members.records[slot]
        let timeout = configuration.suspicionTimeout(
            members: members.liveCount,
            confirmations: record.accusers.count - 1,
            expected: record.expectedConfirmations
        )
        members.change(slot) { $0.deadline = record.since + timeout }
        nextSuspicion = min(nextSuspicion, record.since + timeout)
    }

    mutating func expireSuspicions(_ now: Int64) {
        guard now >= nextSuspicion else { return }
        for slot in suspects where members.records[slot].status == .suspect && now >= members.records[slot].deadline {
            end(slot, .dead, members.records[slot].incarnation, now)
        }
        suspects.removeAll { members.records[$0].status != .suspect }
        nextSuspicion = suspects.reduce(.max) { min($0, members.records[$1].deadline) }
    }

    private mutating func end(_ slot: Int, _ status: MemberStatus, _ incarnation: UInt64, _ now: Int64) {
        let known = members.records[slot].status
        members.change(slot) {
            $0.incarnation = incarnation
            // A member that announced its leave has not failed, whatever others claim.
            if known != .left { $0.status = status }
            if known.isLive { $0.since = now }
            $0.deadline = .max
        }
        guard known.isLive else { return }
        if status == .dead, !recentlyDead.contains(slot) { recentlyDead.append(slot) }
        report(status == .dead ? .failed : .left, slot)
    }

    /// A claim about this member is false: a higher incarnation outweighs it everywhere.
    private mutating func contradict(_ update: SwimUpdate, _ now: Int64) {
        let me = members.records[SwimMembers.own]
        guard update.incarnation >= me.incarnation else { return }
        switch update.claim {
        case .alive(let address, _):
            if update == me.aliveUpdate { return }
            // What it hears as it joins may come from its own earlier life, which a fast clock gave a higher
            // incarnation.
            if address != me.address, hasExchanged { rival = address }
        case .left: if phase != .active, update.incarnation == me.incarnation { return }
        case .suspect, .dead: if phase == .active { worsenHealth(by: 1) }
        }
        let incarnation = min(update.incarnation + 1, SwimUpdate.incarnationLimit - 1)
        members.change(SwimMembers.own) { $0.incarnation = incarnation }
        dissemination.enqueue(SwimMembers.own)
        nextGossip = min(nextGossip, now)
    }

    private mutating func report(_ change: MembershipEvent.Change, _ slot: Int) {
        dissemination.enqueue(slot)
        actions.append(.event(MembershipEvent(change, members.records[slot].member)))
    }
}
