internal import NetworkProtocol
internal import NetworkSimulation
internal import OwnThread
internal import SwimSimulation
internal import Testing

/// Messages that no member of the cluster would send now. They arrive with the right key: without it, no message is
/// accepted (see `SwimDatagramTests`).
@Suite("SWIM among liars and old messages", .timeLimit(.minutes(5)), .ownThread)
struct SwimHostileTests {
    @Test func `a replay of all messages ever sent revives no member and kills none`() throws {
        let network = SimulatedNetwork(seed: 21)
        var history: [(bytes: [UInt8], from: Int, to: Int)] = []
        network.tap = { bytes, from, to in history.append((bytes, from, to)) }
        network.conditions.loss = 0.05
        network.start(20, seeds: 2)
        _ = try #require(network.run(limit: 30) { network.isWhole })
        network.run(periods: 20)
        network.leave(6)
        _ = try #require(network.run(limit: 5) { network.nodes[6].hasFinished })
        network.crash(6)
        network.crash(5)
        _ = try #require(network.run(limit: 20) { network.all(believe: .dead, of: 5) })
        #expect(network.all(believe: .left, of: 6))
        network.crash(7)
        _ = try #require(network.run(limit: 20) { network.all(believe: .dead, of: 7) })
        network.start(7, seeds: [0])
        _ = try #require(network.run(limit: 20) { network.isWhole })
        network.tap = nil
        network.conditions.loss = 0
        let events = network.nodes.map(\.events.count)
        let incarnations = network.nodes.map { $0.core?.own.incarnation }
        #expect(history.count > 1_000)
        // To its actual receiver, and to another member.
        for datagram in history {
            for receiver in [datagram.to, (datagram.to + 3) % 20] {
                network.inject(datagram.bytes, from: datagram.from, to: receiver)
            }
        }
        // A member that has just started does not know which members are dead. Until it detects that itself, it may
        // believe a claim that they are alive.
        let lasting = network.running.filter { $0 != 7 }
        #expect(lasting.allSatisfy { network.nodes[$0].events.count == events[$0] }, "an old message changed something")
        network.run(periods: 20)
        #expect(network.isWhole && network.falsePositives == 0)
        #expect(lasting.allSatisfy { network.nodes[$0].events.count == events[$0] })
        #expect(network.nodes.map { $0.core?.own.incarnation } == incarnations)
    }

    @Test func `random and damaged messages trap nowhere, and live members stay`() throws {
        let network = try SwimScenarioTests.cluster(10, seed: 22)
        var sent: [[UInt8]] = []
        network.tap = { bytes, _, _ in sent.append(bytes) }
        network.leave(9)
        network.run(periods: 30)
        network.tap = nil
        var random = SplitMix64(seed: 22)
        for round in 0..<4_000 {
            var bytes = sent[Int.random(in: sent.indices, using: &random)]
            if round % 4 == 0 { bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in random.nextByte() } }
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: bytes.indices, using: &random)] = random.nextByte()
            }
            network.inject(bytes, from: 2, to: round % 9)
            if round % 100 == 0 { network.run(periods: 0.1) }
        }
        // Damage invented members, which do not answer; the real members refute every claim about them.
        network.run(periods: 60)
        for observer in 0..<9 {
            for subject in 0..<9 { #expect(network.status(of: subject, at: observer) == .alive) }
        }
    }

    @Test func `the highest incarnation is an end, not a trap`() throws {
        let network = try SwimScenarioTests.cluster(5, seed: 23)
        let id = network.nodes[1].id
        for claim in [SwimUpdate.Claim.dead, .left, .suspect(SwimAccusers(network.nodes[2].id))] {
            let update = SwimUpdate(id: id, incarnation: SwimUpdate.incarnationLimit - 1, claim: claim)
            let lie = SwimMessage(sender: network.nodes[2].id, body: .gossip, updates: [update]).encoded()
            for receiver in 0..<5 { network.inject(lie, from: 2, to: receiver) }
            network.run(periods: 3)
        }
        #expect(network.nodes[1].core?.own.incarnation == SwimUpdate.incarnationLimit - 1)
    }

    @Test func `made-up members fill the table and no more, and are forgotten as they do not answer`() throws {
        var configuration = SwimConfiguration()
        configuration.maximumMembers = 200
        let network = SimulatedNetwork(seed: 24, configuration: configuration)
        network.start(4, seeds: 2)
        _ = try #require(network.run(limit: 10) { network.isWhole })
        var random = SplitMix64(seed: 24)
        for _ in 0..<200 {
            let updates = (0..<20).map { _ in Self.invented(&random) }
            let lie = SwimMessage(sender: network.nodes[1].id, body: .gossip, updates: updates)
            network.inject(lie.encoded(), from: 1, to: 0)
        }
        #expect(network.nodes[0].core?.snapshot.count == 200)
        network.run(periods: 5)
        for index in 0..<4 { #expect(network.nodes[index].core?.snapshot.count ?? 0 <= 200) }
        #expect(network.run(limit: 1_000) { network.isWhole } != nil)
        // Members that replace the dead get in.
        network.start(3, seeds: 2)
        #expect(network.run(limit: 60) { network.isWhole } != nil)
    }

    @Test func `ping requests without end keep a bounded number of pings in flight`() throws {
        let network = try SwimScenarioTests.cluster(3, seed: 25)
        network.crash(2)
        let sent = network.nodes[0].datagramsSent
        for sequence in 0..<10_000 {
            let request = SwimMessage.Body.pingRequest(sequence: UInt64(sequence), target: network.nodes[2].id)
            network.inject(SwimMessage(sender: network.nodes[1].id, body: request).encoded(), from: 1, to: 0)
        }
        #expect(network.nodes[0].datagramsSent - sent == SwimConfiguration().maximumRelays)
        // Each gets its nack, and there is room again.
        network.run(periods: 1)
        #expect(network.nodes[0].datagramsSent - sent >= 2 * SwimConfiguration().maximumRelays)
    }

    @Test func `own messages that come back are ignored`() throws {
        let network = try SwimScenarioTests.cluster(3, seed: 26)
        let core = try #require(network.nodes[0].core)
        let dead = SwimUpdate(id: network.nodes[1].id, incarnation: 1 << 50, claim: .dead)
        network.inject(SwimMessage(sender: core.own.id, body: .gossip, updates: [dead]).encoded(), from: 0, to: 0)
        #expect(network.status(of: 1, at: 0) == .alive)
    }

    static func invented(_ random: inout SplitMix64) -> SwimUpdate {
        let key = (0..<32).map { _ in random.nextByte() }
        guard let id = MemberID(publicKey: key), let address = MemberAddress(ip: [192, 0, 2, 1], port: 9) else {
            preconditionFailure("32 random bytes are an id")
        }
        return SwimUpdate(id: id, incarnation: 1, claim: .alive(address, messagingPort: 0))
    }
}

extension SplitMix64 {
    mutating func nextByte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 17) }
}
