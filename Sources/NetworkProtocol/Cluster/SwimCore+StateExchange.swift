/// What one member knows, sent to another in pages: when it joins, when a network partition heals, and now and then in
/// case gossip missed a member.
extension SwimCore {
    /// A state exchange that this member waits for; one at a time.
    struct Pull {
        let peer: Peer
        let isAnswer: Bool
        var sequence: UInt64
        /// Everything up to this ID was sent.
        var cursor = MemberID.lowest
        var deadline: Int64
        /// Since the last page that made progress.
        var attempts = 1
    }

    /// Requests for the same page before an exchange is given up.
    private static let attemptLimit = 3

    mutating func beginPull(_ peer: Peer, isAnswer: Bool, _ now: Int64) {
        guard pull == nil, phase == .active else { return }
        pull = Pull(peer: peer, isAnswer: isAnswer, sequence: random.next(), deadline: now + configuration.period)
        requestPages()
    }

    private mutating func requestPages() {
        guard let pull else { return }
        nextPage = 0
        // Changes in between are no reason to stop an exchange in progress.
        let digest = pull.cursor == .lowest ? members.digest : 0
        let body = SwimMessage.Body.pull(
            sequence: pull.sequence,
            isAnswer: pull.isAnswer,
            cursor: pull.cursor,
            digest: digest
        )
        send(body, to: pull.peer)
    }

    mutating func handlePullTimeout(_ now: Int64) {
        if let late = pull, now >= late.deadline {
            if late.attempts < Self.attemptLimit, hasJoined || late.cursor != .lowest {
                pull?.attempts += 1
                pull?.sequence = random.next()
                pull?.deadline = now + configuration.period
                requestPages()
            } else {
                pull = nil
            }
        }
        guard pull == nil, now >= nextJoin, !seeds.isEmpty else { return }
        let seed = seeds[nextSeed % seeds.count]
        nextSeed += 1
        beginPull(Peer(slot: nil, address: seed), isAnswer: false, now)
    }

    mutating func answerPull(_ sequence: UInt64, _ cursor: MemberID, _ digest: UInt64, _ peer: Peer, _ now: Int64) {
        if cursor == .lowest, digest == members.digest {
            return send(.page(sequence: sequence, isLast: true, cursor: cursor, through: .highest), to: peer)
        }
        var position = members.position(above: cursor)
        var reached = cursor
        for _ in 0..<configuration.pagesPerPull {
            // Missing pages are requested again.
            guard pages.take(now: now) else { return }
            let start = reached
            var updates: [SwimUpdate] = []
            var room = SwimMessage.maximumLength - 34 - 8 - 1 - 32 - 32
            while position < members.order.count {
                let page = reportedUpdates(members.order[position])
                let length = page.reduce(0) { $0 + $1.encodedLength }
                guard length <= room else { break }
                room -= length
                updates += page
                reached = members.records[members.order[position]].id
                position += 1
            }
            let isLast = position == members.order.count
            let through = isLast ? .highest : reached
            let body = SwimMessage.Body.page(sequence: sequence, isLast: isLast, cursor: start, through: through)
            let message = SwimMessage(sender: own.id, body: body, updates: updates)
            actions.append(.send(message.encoded(), to: peer.address))
            if isLast { return }
        }
    }

    /// A suspect's address and the suspicion; for other members one update.
    private func reportedUpdates(_ slot: Int) -> [SwimUpdate] {
        let record = members.records[slot]
        return record.status == .suspect ? [record.aliveUpdate, record.update] : [record.update]
    }

    mutating func receivePage(_ message: SwimMessage, _ now: Int64) {
        guard case .page(let sequence, let isLast, let cursor, let through) = message.body else { return }
        guard var pending = pull, pending.sequence == sequence, phase == .active else { return }
        for update in message.updates { applyReported(update, by: message.sender, now) }
        // A page that was reordered, or whose predecessor was lost, makes no progress; it is requested again.
        guard cursor == pending.cursor else { return }
        if isLast {
            pull = nil
            nextJoin = .max
            hasExchanged = true
            return
        }
        guard through > pending.cursor else { return }
        pending.cursor = through
        pending.attempts = 1
        pending.deadline = now + configuration.period
        pull = pending
        nextPage += 1
        if nextPage == configuration.pagesPerPull { requestPages() }
    }

    /// A member that the other side of a network partition considers dead may live here. So it is suspected, and
    /// refutes that in time if it lives.
    private mutating func applyReported(_ update: SwimUpdate, by sender: MemberID, _ now: Int64) {
        guard update.claim == .dead, update.id != own.id else { return apply(update, now) }
        let accusers = SwimAccusers(sender)
        apply(SwimUpdate(id: update.id, incarnation: update.incarnation, claim: .suspect(accusers)), now)
    }
}
