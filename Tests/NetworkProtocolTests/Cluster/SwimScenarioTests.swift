internal import NetworkProtocol
internal import NetworkSimulation
internal import OwnThread
internal import SwimSimulation
internal import Testing

/// Clusters of 50 on a simulated network; no real time passes.
@Suite("SWIM on a simulated network", .timeLimit(.minutes(5)), .ownThread)
struct SwimScenarioTests {
    /// A cluster in which every member knows every other one.
    static func cluster(_ count: Int = 50, seed: UInt64, loss: Double = 0) throws -> SimulatedNetwork {
        let network = SimulatedNetwork(seed: seed)
        network.conditions.loss = loss
        network.start(count, seeds: 2)
        _ = try #require(network.run(limit: 30) { network.isWhole }, "the members do not find each other")
        return network
    }

    @Test(arguments: [0.0, 0.05])
    func `50 members join through two seeds, and each knows all`(loss: Double) throws {
        let network = try Self.cluster(seed: 1, loss: loss)
        for node in network.nodes {
            let joined = node.events.filter { $0.change == .joined }.map(\.member.id)
            #expect(Set(joined).count == 49 && !joined.contains(node.id))
        }
        #expect(network.falsePositives == 0)
    }

    @Test func `a seed that starts late is found, and so are those that joined through it`() throws {
        let network = SimulatedNetwork(seed: 2)
        network.start(12, seeds: 2)
        network.crash(0)
        network.crash(1)
        network.run(periods: 15)
        // No seed answers: each member is alone, and asks once per period at most.
        #expect(network.nodes[5].core?.liveCount == 1 && network.nodes[5].core?.hasJoined == false)
        #expect(network.nodes[5].datagramsSent <= 16)
        network.start(1, seeds: [0])
        #expect(
            network.run(limit: 10) { network.running.allSatisfy { network.nodes[$0].core?.liveCount == 11 } } != nil
        )
        network.start(0, seeds: [1])
        #expect(network.run(limit: 30) { network.isWhole } != nil)
    }

    @Test(arguments: 1...6)
    func `a crash is known to all within ten protocol periods`(seed: Int) throws {
        let network = try Self.cluster(seed: UInt64(seed), loss: 0.01)
        network.run(periods: 3 + Double(seed) * 0.37)
        network.crash(7 * seed)
        let periods = try #require(network.run(limit: 10) { network.all(believe: .dead, of: 7 * seed) })
        #expect(periods <= 10)
        #expect(network.falsePositives == 0)
        // Each member reports it once.
        let id = network.nodes[7 * seed].id
        for index in network.running {
            #expect(network.nodes[index].events.count { $0.change == .failed && $0.member.id == id } == 1)
        }
    }

    @Test func `a third of the cluster crashes at once and is known to all`() throws {
        let network = try Self.cluster(seed: 7, loss: 0.01)
        for index in stride(from: 0, to: 48, by: 3) { network.crash(index) }
        let periods = network.run(limit: 40) {
            stride(from: 0, to: 48, by: 3).allSatisfy { network.all(believe: .dead, of: $0) }
        }
        #expect(periods != nil && network.falsePositives == 0)
    }

    @Test func `a member that leaves has left, and has not failed`() throws {
        let network = try Self.cluster(seed: 3, loss: 0.05)
        network.leave(9)
        #expect(network.run(limit: 3) { network.nodes[9].hasFinished } != nil)
        #expect(network.run(limit: 3) { network.all(believe: .left, of: 9) } != nil)
        network.crash(9)
        network.run(periods: 20)
        let id = network.nodes[9].id
        for index in network.running {
            let told = network.nodes[index].events.filter { $0.member.id == id }.map(\.change)
            #expect(told.filter { $0 != .suspected && $0 != .recovered } == [.joined, .left])
        }
        // It may return.
        network.start(9, seeds: [0])
        #expect(network.run(limit: 10) { network.isWhole } != nil)
    }

    @Test func `a live member that is suspected contradicts, and no member takes it for dead`() throws {
        let network = try Self.cluster(seed: 4)
        let before = try #require(network.nodes[20].core?.own.incarnation)
        let accusers = SwimAccusers(network.nodes[30].id)
        let suspicion = SwimUpdate(id: network.nodes[20].id, incarnation: before, claim: .suspect(accusers))
        let message = SwimMessage(sender: network.nodes[30].id, body: .gossip, updates: [suspicion])
        for observer in [1, 2, 3] { network.inject(message.encoded(), from: 30, to: observer) }
        #expect(network.status(of: 20, at: 2) == .suspect)
        #expect(network.run(limit: 2) { network.isWhole && network.status(of: 20, at: 2) == .alive } != nil)
        #expect(network.nodes[20].core?.own.incarnation == before + 1)
        network.run(periods: 15)
        #expect(network.isWhole && network.falsePositives == 0)
        let told = network.nodes[2].events.filter { $0.member.id == network.nodes[20].id }.map(\.change)
        #expect(told == [.joined, .suspected, .recovered])
    }

    @Test func `a cluster that is cut into halves and healed is whole again`() throws {
        let network = try Self.cluster(seed: 5, loss: 0.01)
        network.move(25..<50, toSide: 1)
        #expect(
            network.run(limit: 40) {
                (0..<50).allSatisfy { network.nodes[$0].core?.liveCount == 25 }
            } != nil
        )
        network.run(periods: 60)
        network.move(25..<50, toSide: 0)
        let periods = try #require(network.run(limit: 60) { network.isWhole }, "the halves do not find each other")
        #expect(periods < 60)
        #expect(network.falsePositives == 0)
    }

    @Test func `a cut that is shorter than a suspicion leaves no member dead`() throws {
        let network = try Self.cluster(seed: 6)
        network.move(25..<50, toSide: 1)
        network.run(periods: 1.5)
        network.move(25..<50, toSide: 0)
        #expect(network.run(limit: 20) { network.isWhole } != nil)
        network.run(periods: 10)
        #expect(network.isWhole && network.falsePositives == 0)
    }

    @Test(arguments: [(0.01, 400.0), (0.05, 200.0)])
    func `loss, duplicates and reordering make no member dead`(loss: Double, periods: Double) throws {
        let network = try Self.cluster(seed: 8, loss: loss)
        network.conditions.duplication = 0.1
        network.conditions.delay = 500_000...80_000_000
        network.run(periods: periods)
        #expect(network.falsePositives == 0)
        #expect(network.run(limit: 10) { network.isWhole } != nil)
        // The loss had an effect: suspicions came and went.
        #expect(loss < 0.05 || network.nodes.contains { $0.events.contains { $0.change == .recovered } })
    }

    @Test func `a crashed member that starts again is back with a new incarnation`() throws {
        let network = try Self.cluster(seed: 9, loss: 0.01)
        let first = try #require(network.nodes[11].core?.own.incarnation)
        network.crash(11)
        _ = try #require(network.run(limit: 10) { network.all(believe: .dead, of: 11) })
        network.start(11, seeds: [0, 1])
        #expect(network.run(limit: 5) { network.isWhole } != nil)
        let second = try #require(network.nodes[11].core?.own.incarnation)
        #expect(second > first)
        let told = network.nodes[40].events.filter { $0.member.id == network.nodes[11].id }.map(\.change)
        #expect(told.filter { $0 != .suspected } == [.joined, .failed, .joined])
    }

    @Test func `a member that starts again before any other noticed stays alive`() throws {
        let network = try Self.cluster(seed: 10)
        network.run(periods: 2)
        network.crash(11)
        network.run(periods: 0.2)
        network.start(11, seeds: [0, 1])
        network.run(periods: 20)
        #expect(network.isWhole && network.falsePositives == 0)
    }

    @Test func `a process that was stopped for a minute takes no member for dead when it goes on`() throws {
        for timersFirst in [true, false] {
            let network = try Self.cluster(seed: 11)
            network.pause(3)
            _ = try #require(network.run(limit: 60) { network.all(believe: .dead, of: 3) })
            network.run(periods: 60)
            let before = network.falsePositives
            network.resume(3, timersFirst: timersFirst)
            #expect(network.run(limit: 20) { network.isWhole } != nil)
            #expect(network.falsePositives == before, "somebody was taken for dead by who was stopped itself")
            #expect(!network.nodes[3].events.contains { $0.change == .failed })
        }
    }

    @Test func `two members notice when one of them crashes, and lose none at five percent loss`() throws {
        let network = try Self.cluster(2, seed: 12, loss: 0.05)
        network.run(periods: 1_000)
        #expect(network.falsePositives == 0)
        network.crash(1)
        #expect(network.run(limit: 10) { network.all(believe: .dead, of: 1) } != nil)
        // Alone, it asks for the other now and then, and stays idle otherwise.
        let sent = network.nodes[0].datagramsSent
        network.run(periods: 1_000)
        #expect((50...400).contains(network.nodes[0].datagramsSent - sent))
        network.start(1, seeds: [])
        #expect(network.run(limit: 30) { network.isWhole } != nil)
    }

    @Test func `at rest a member sends a few hundred bytes a period`() throws {
        let network = try Self.cluster(seed: 13)
        network.run(periods: 40)
        let before = network.nodes.map(\.bytesSent)
        network.run(periods: 100)
        for (index, node) in network.nodes.enumerated() {
            #expect((100...600).contains((node.bytesSent - before[index]) / 100))
        }
    }
}
