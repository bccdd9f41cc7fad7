internal import OwnThread
internal import Testing

@testable import NetworkProtocol

/// What a holder of the key can make a member store and send.
@Suite("SWIM, what a member keeps and sends", .ownThread)
struct SwimBoundsTests {
    @Test func `a member that fails and comes back without end has one place in the order of probes`() throws {
        var core = try SwimCoreTests.core(others: 2)
        for incarnation in UInt64(101)..<5_101 {
            let updates = [SwimCoreTests.update(3, incarnation, .dead), SwimCoreTests.alive(3, incarnation + 1)]
            let lie = SwimCoreTests.gossip(from: 2, updates)
            _ = try core.receive(lie, from: SwimCoreTests.address(2), now: Int64(incarnation))
        }
        #expect(core.probeOrder.count <= 2)
        #expect(core.suspects.count <= 2 && core.recentlyDead.count <= 2)
    }

    @Test func `pulls without end make a bounded number of pages, and after a while there are more`() throws {
        var core = try SwimCoreTests.core(others: 100)
        var sequence: UInt64 = 0
        func pages(now: Int64) throws -> Int {
            sequence += 1
            let body = SwimMessage.Body.pull(sequence: sequence, isAnswer: true, cursor: .lowest, digest: 1)
            let pull = SwimMessage(sender: SwimMessageTests.id(2), body: body).encoded()
            let actions = try core.receive(pull, from: SwimCoreTests.address(2), now: now)
            return try SwimCoreTests.sent(actions).count { sent in
                if case .page = sent.message.body { true } else { false }
            }
        }
        #expect(try pages(now: 0) > 1)
        var sent = 0
        for _ in 0..<10_000 { sent += try pages(now: 0) }
        #expect(sent > 10_000 && sent <= 16_384)
        #expect(try pages(now: 0) == 0)
        var later = 0
        for _ in 0..<1_000 { later += try pages(now: SwimCoreTests.second) }
        #expect(later == 1_000)
    }
}
