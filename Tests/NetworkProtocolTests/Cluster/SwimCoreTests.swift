internal import NetworkProtocol
internal import OwnThread
internal import SwimSimulation
internal import Testing

/// Details that the scenarios do not check one by one.
@Suite("SWIM, one member", .ownThread)
struct SwimCoreTests {
    static let second: Int64 = 1_000_000_000

    /// A member that knows `others` members, ids 2, 3…, at 10.0.0.2, 10.0.0.3….
    static func core(others: Int, incarnation: UInt64 = 100) throws -> SwimCore {
        var core = SwimCore(
            id: SwimMessageTests.id(1),
            address: SwimMessageTests.address([10, 0, 0, 1], 7_000),
            incarnation: incarnation,
            seeds: [],
            seed: 1,
            now: 0
        )
        for other in 2..<(2 + others) {
            _ = try core.receive(gossip(from: 2, [alive(UInt8(other))]), from: address(2), now: 0)
        }
        return core
    }

    static func address(_ member: UInt8) -> MemberAddress { SwimMessageTests.address([10, 0, 0, member], 7_000) }

    static func alive(_ member: UInt8, _ incarnation: UInt64 = 100) -> SwimUpdate {
        let claim = SwimUpdate.Claim.alive(address(member), messagingPort: 0)
        return SwimUpdate(id: SwimMessageTests.id(member), incarnation: incarnation, claim: claim)
    }

    static func update(_ member: UInt8, _ incarnation: UInt64, _ claim: SwimUpdate.Claim) -> SwimUpdate {
        SwimUpdate(id: SwimMessageTests.id(member), incarnation: incarnation, claim: claim)
    }

    static func gossip(from sender: UInt8, _ updates: [SwimUpdate]) -> [UInt8] {
        SwimMessage(sender: SwimMessageTests.id(sender), body: .gossip, updates: updates).encoded()
    }

    static func suspicion(by accusers: UInt8...) -> SwimUpdate.Claim {
        var all = SwimAccusers()
        for accuser in accusers { all.insert(UInt32(accuser) * 0x0101_0101) }
        return .suspect(all)
    }

    /// The messages among the actions, decoded.
    static func sent(_ actions: [SwimAction]) throws -> [(message: SwimMessage, to: MemberAddress)] {
        try actions.compactMap { action in
            guard case .send(let bytes, let to) = action else { return nil }
            return (try SwimMessage(decoding: bytes), to)
        }
    }

    @Test
    func `at one incarnation dead and left outweigh suspect, suspect outweighs alive, and a higher one outweighs all`()
        throws
    {
        let claims: [SwimUpdate.Claim] = [
            .alive(Self.address(3), messagingPort: 0), Self.suspicion(by: 2), .dead, .left,
        ]
        // After the first claim of incarnation 5, the second one of 4, 5 or 6 leaves this status and incarnation.
        let expected: [(first: Int, second: Int, incarnation: UInt64, status: MemberStatus)] = [
            (0, 0, 4, .alive), (0, 0, 5, .alive), (0, 0, 6, .alive),
            (0, 1, 4, .alive), (0, 1, 5, .suspect), (0, 1, 6, .suspect),
            (0, 2, 4, .alive), (0, 2, 5, .dead), (0, 2, 6, .dead),
            (0, 3, 4, .alive), (0, 3, 5, .left), (0, 3, 6, .left),
            (1, 0, 4, .suspect), (1, 0, 5, .suspect), (1, 0, 6, .alive),
            (1, 1, 4, .suspect), (1, 1, 5, .suspect), (1, 1, 6, .suspect),
            (1, 2, 4, .suspect), (1, 2, 5, .dead), (1, 3, 4, .suspect), (1, 3, 5, .left),
            (2, 0, 4, .dead), (2, 0, 5, .dead), (2, 0, 6, .alive),
            (2, 1, 5, .dead), (2, 1, 6, .dead), (2, 2, 6, .dead), (2, 3, 4, .dead), (2, 3, 5, .left),
            (3, 0, 5, .left), (3, 0, 6, .alive), (3, 1, 6, .left), (3, 2, 6, .left),
        ]
        for row in expected {
            var core = try Self.core(others: 1)
            let updates = [
                Self.alive(3, 5), Self.update(3, 5, claims[row.first]),
                Self.update(3, row.incarnation, claims[row.second]),
            ]
            _ = try core.receive(Self.gossip(from: 2, updates), from: Self.address(2), now: 1)
            #expect(core.member(SwimMessageTests.id(3))?.status == row.status, "\(row)")
        }
    }

    @Test func `whatever is claimed of the member itself is contradicted with a higher incarnation`() throws {
        for claim in [Self.suspicion(by: 3), .dead, .left, .alive(Self.address(9), messagingPort: 0)] {
            var core = try Self.core(others: 2)
            _ = try core.receive(Self.gossip(from: 2, [Self.update(1, 99, claim)]), from: Self.address(2), now: 1)
            #expect(core.own.incarnation == 100, "an old claim is none")
            _ = try core.receive(Self.gossip(from: 2, [Self.update(1, 100, claim)]), from: Self.address(2), now: 1)
            #expect(core.own.incarnation == 101 && core.own.status == .alive && core.own.address == Self.address(1))
            // The news is sent at once.
            #expect(core.deadline == 1)
            let told = try Self.sent(core.handleTimeout(now: 1)).flatMap(\.message.updates)
            #expect(told.contains(Self.alive(1, 101)))
        }
    }

    @Test
    func `a member that comes back at another address with a clock behind learns so and goes beyond what is known`()
        throws
    {
        let network = try SwimScenarioTests.cluster(8, seed: 31)
        let lie = SwimUpdate(
            id: network.nodes[4].id,
            incarnation: 1 << 40,
            claim: .alive(Self.address(99), messagingPort: 0)
        )
        network.crash(4)
        let message = SwimMessage(sender: network.nodes[1].id, body: .gossip, updates: [lie]).encoded()
        for index in network.running { network.inject(message, from: 1, to: index) }
        network.start(4, seeds: [0])
        #expect(network.run(limit: 5) { network.nodes[4].core?.own.incarnation == (1 << 40) + 1 } != nil)
        #expect(network.run(limit: 10) { network.isWhole } != nil)
    }

    @Test func `each independent accuser shortens a suspicion, and the same one again does not`() throws {
        // Ten members: K = 3, at least two periods, three times as many if not confirmed.
        let expected: [Int64] = [6_000, 4_000, 2_830, 2_000]
        for accusers in 1...4 {
            var core = try Self.core(others: 9)
            // The member itself is one of them: it will not reach the suspect either.
            for accuser in 1...UInt8(accusers) {
                for _ in 0..<3 {
                    let update = Self.update(10, 100, Self.suspicion(by: accuser))
                    _ = try core.receive(Self.gossip(from: 2, [update]), from: Self.address(2), now: 0)
                }
            }
            let dead = try Self.timeOfDeath(of: 10, &core)
            #expect(abs(dead / 1_000_000 - expected[accusers - 1]) <= 1, "\(accusers): \(dead)")
        }
    }

    @Test func `in a cluster of two, a suspicion waits for no confirmation, because no member could confirm it`() throws
    {
        var core = try Self.core(others: 1)
        let update = Self.update(2, 100, Self.suspicion(by: 1))
        _ = try core.receive(Self.gossip(from: 2, [update]), from: Self.address(2), now: 0)
        #expect(try Self.timeOfDeath(of: 2, &core) == 2 * Self.second)
    }

    /// When the member is dead, if all others answer.
    private static func timeOfDeath(of member: UInt8, _ core: inout SwimCore) throws -> Int64 {
        while core.deadline < 60 * second {
            let now = core.deadline
            for (message, _) in try sent(core.handleTimeout(now: now)) {
                guard case .ping(let sequence, let target) = message.body, target != SwimMessageTests.id(member) else {
                    continue
                }
                let ack = SwimMessage(sender: target, body: .ack(sequence: sequence)).encoded()
                _ = try core.receive(ack, from: address(2), now: now)
            }
            if core.member(SwimMessageTests.id(member))?.status == .dead { return now }
        }
        return .max
    }

    @Test func `an update is sent lambda times the logarithm of the members, and then no longer`() throws {
        for members in [1, 4, 20] {
            var core = try Self.core(others: members)
            var told = 0
            while core.deadline < 60 * Self.second {
                let now = core.deadline
                for (message, _) in try Self.sent(core.handleTimeout(now: now)) {
                    told += message.updates.count { $0.id == SwimMessageTests.id(2) && $0 == Self.alive(2) }
                    if case .ping(let sequence, let target) = message.body {
                        let ack = SwimMessage(sender: target, body: .ack(sequence: sequence)).encoded()
                        _ = try core.receive(ack, from: Self.address(2), now: now)
                    }
                }
            }
            // Members 1 + n: ⌈log₂(n + 2)⌉ is 2, 3 and 5.
            #expect(told == 3 * [1: 2, 4: 3, 20: 5][members, default: 0])
        }
    }

    @Test(arguments: 0...3)
    func
        `helpers that got no answer either confirm a suspicion, and those that are silent make the member doubt itself`(
            nacks: Int
        ) throws
    {
        var core = try Self.core(others: 5)
        var asked: [(message: SwimMessage, to: MemberAddress)] = []
        while asked.isEmpty {
            asked = try Self.sent(core.handleTimeout(now: core.deadline)).filter {
                if case .pingRequest = $0.message.body { true } else { false }
            }
        }
        guard case .pingRequest(let sequence, let target) = asked[0].message.body else { return }
        #expect(Set(asked.map(\.to)).count == 3)
        for helper in asked.prefix(nacks) {
            let id = try #require(core.snapshot.first { $0.address == helper.to }?.id)
            let nack = SwimMessage(sender: id, body: .nack(sequence: sequence)).encoded()
            // The same accuser counts once.
            for _ in 0..<2 { _ = try core.receive(nack, from: helper.to, now: core.deadline) }
        }
        var told: [SwimUpdate] = []
        while core.member(target)?.status == .alive {
            told = try Self.sent(core.handleTimeout(now: core.deadline)).flatMap(\.message.updates)
        }
        #expect(core.healthScore == 3 - nacks)
        let suspicion = told.compactMap { update in
            if case .suspect(let accusers) = update.claim { accusers.count } else { nil }
        }
        #expect(suspicion.first == 1 + nacks, "the suspect learns its accusers at once")
    }

    @Test func `an ack of another sequence or from a member that was not asked proves nothing`() throws {
        var core = try Self.core(others: 1)
        while core.member(SwimMessageTests.id(2))?.status == .alive {
            let now = core.deadline
            for (message, _) in try Self.sent(core.handleTimeout(now: now)) {
                guard case .ping(let sequence, let target) = message.body else { continue }
                let wrong = [
                    SwimMessage(sender: target, body: .ack(sequence: sequence &+ 1)),
                    SwimMessage(sender: SwimMessageTests.id(9), body: .ack(sequence: sequence)),
                ]
                for message in wrong { _ = try core.receive(message.encoded(), from: Self.address(2), now: now) }
            }
            #expect(now < 10 * Self.second)
        }
    }

    @Test func `a ping for another member is not answered, and an answer goes to the sender's known address`()
        throws
    {
        var core = try Self.core(others: 1)
        let forged = Self.address(66)
        for (target, answers) in [(UInt8(1), 1), (3, 0)] {
            let ping = SwimMessage.Body.ping(sequence: 5, target: SwimMessageTests.id(target))
            let message = SwimMessage(sender: SwimMessageTests.id(2), body: ping).encoded()
            let sent = try Self.sent(core.receive(message, from: forged, now: 1))
            #expect(sent.count == answers && sent.allSatisfy { $0.to == Self.address(2) })
        }
    }

    @Test func `ten thousand members are sent in pages that fit a datagram, some at a time`() throws {
        var random = SplitMix64(seed: 5)
        var core = try Self.core(others: 1)
        while core.snapshot.count < 10_000 {
            let updates = (0..<20).map { _ in SwimHostileTests.invented(&random) }
            _ = try core.receive(Self.gossip(from: 2, updates), from: Self.address(2), now: 1)
        }
        var cursor = MemberID.lowest
        var told: Set<MemberID> = []
        var pulls = 0
        while true {
            let pull = SwimMessage.Body.pull(sequence: 1, isAnswer: true, cursor: cursor, digest: 0)
            let request = SwimMessage(sender: SwimMessageTests.id(2), body: pull).encoded()
            let pages = try Self.sent(core.receive(request, from: Self.address(2), now: 2))
            #expect(pages.count <= 8)
            pulls += 1
            var isDone = false
            for (page, _) in pages {
                guard case .page(_, let isLast, let from, let through) = page.body else { continue }
                #expect(from == cursor)
                cursor = through
                isDone = isLast
                for update in page.updates { told.insert(update.id) }
            }
            if isDone { break }
        }
        #expect(told == Set(core.snapshot.map(\.id)) && pulls < 60)
    }
}
