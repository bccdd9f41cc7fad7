internal import NetworkProtocol
internal import OwnThread
internal import Testing

/// Two members with one identity.
@Suite("SWIM, an id that is taken", .ownThread)
struct SwimConflictTests {
    private func conflicts(_ actions: [SwimAction]) -> [MemberAddress] {
        actions.compactMap { action in
            guard case .conflict(let address) = action else { return nil }
            return address
        }
    }

    /// What member 1 sends when it joins, from another address than that of
    /// ``SwimCoreTests/core(others:incarnation:)``.
    private func pull(from address: MemberAddress) -> [UInt8] {
        let claim = SwimUpdate.Claim.alive(address, messagingPort: 0)
        let body = SwimMessage.Body.pull(sequence: 1, isAnswer: false, cursor: .lowest, digest: 0)
        return SwimMessage(
            sender: SwimMessageTests.id(1),
            body: body,
            updates: [SwimUpdate(id: SwimMessageTests.id(1), incarnation: 7, claim: claim)]
        ).encoded()
    }

    @Test func `a join with the seed's own ID is reported and gets no answer`() throws {
        var core = try SwimCoreTests.core(others: 1)
        let elsewhere = SwimCoreTests.address(9)
        let actions = try core.receive(pull(from: elsewhere), from: elsewhere, now: 1)
        #expect(actions == [.conflict(at: elsewhere)])
        #expect(core.own.incarnation == 100)
        // Nothing is left of it.
        #expect(conflicts(try core.receive(SwimCoreTests.gossip(from: 2, []), from: elsewhere, now: 2)).isEmpty)
    }

    @Test func `a member's own messages, sent back by any peer, are no conflict`() throws {
        var core = try SwimCoreTests.core(others: 1)
        let own = core.own.address
        #expect(try core.receive(pull(from: own), from: SwimCoreTests.address(9), now: 1).isEmpty)
        #expect(try core.receive(SwimCoreTests.gossip(from: 1, []), from: SwimCoreTests.address(9), now: 1).isEmpty)
    }

    @Test
    func
        `an earlier incarnation at another address, learned on joining, is no conflict, but one that later outweighs it is`()
        throws
    {
        let (own, elsewhere, seed) = (SwimCoreTests.address(1), SwimCoreTests.address(9), SwimCoreTests.address(2))
        var core = SwimCore(
            id: SwimMessageTests.id(1),
            address: own,
            incarnation: 100,
            seeds: [seed],
            seed: 1,
            now: 0
        )
        func claim(_ incarnation: UInt64) -> SwimUpdate {
            SwimCoreTests.update(1, incarnation, .alive(elsewhere, messagingPort: 0))
        }
        let asked = try SwimCoreTests.sent(core.handleTimeout(now: 0))
        guard case .pull(let sequence, _, let cursor, _)? = asked.first?.message.body else {
            Issue.record("the seed is not asked")
            return
        }
        let page = SwimMessage(
            sender: SwimMessageTests.id(2),
            body: .page(sequence: sequence, isLast: true, cursor: cursor, through: .highest),
            updates: [SwimCoreTests.alive(2), claim(200)]
        )
        #expect(conflicts(try core.receive(page.encoded(), from: seed, now: 1)).isEmpty)
        #expect(core.hasJoined && core.own.incarnation == 201)
        // The same again, late.
        #expect(conflicts(try core.receive(SwimCoreTests.gossip(from: 2, [claim(200)]), from: seed, now: 2)).isEmpty)
        #expect(
            conflicts(try core.receive(SwimCoreTests.gossip(from: 2, [claim(201)]), from: seed, now: 3)) == [elsewhere]
        )
        #expect(core.own.incarnation == 202)
    }
}
