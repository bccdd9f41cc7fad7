internal import Identity
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// Floods in virtual time.
@Suite("Slots of connections")
struct ConnectionSlotsTests {
    private static let millisecond: UInt64 = 1_000_000
    /// Memory for all unauthorized connections, in bytes.
    private static let mostMemory = 64 << 20

    /// What the connections of a flood do.
    enum Attack: CaseIterable {
        /// They connect.
        case saysNothing
        /// They send a ClientHello and then nothing.
        case greets
        /// They send the most that is held without a ClientHello.
        case almostGreets
    }

    /// Attackers of one address or many, and a peer at every tenth of a second that needs `wait` for its ClientHello
    /// and again for the rest of its handshake; how many of the peers get in.
    private func flood(
        _ attack: Attack,
        perSecond: Int,
        addresses: Int,
        isSameAddress: Bool,
        wait: UInt64
    ) throws -> (in: Int, of: Int, memory: Int) {
        var slots = ConnectionSlots(limits: ConnectionLimits())
        let peer = IdentityKey().endpointID
        let hosts = try (0..<addresses).map { try #require(InternetHost("10.0.\($0 / 250).\($0 % 250 + 1)")) }
        let ownHost = isSameAddress ? hosts[0] : try #require(InternetHost("192.0.2.1"))
        var peers: [(id: ConnectionID, came: UInt64, isGreeting: Bool)] = []
        var lost: Set<ConnectionID> = []
        var (entered, came, memory) = (0, 0, 0)
        func note(_ leaving: [ConnectionID]) { lost.formUnion(leaving) }
        for tick in 0..<5_000 {
            let now = UInt64(tick) * Self.millisecond
            for index in 0..<perSecond / 1_000 {
                let id = ConnectionID.next()
                note(slots.enter(id, from: hosts[(tick * perSecond / 1_000 + index) % addresses], at: now))
                switch attack {
                case .saysNothing: break
                case .greets:
                    note(slots.greet(id))
                    note(slots.grow(id, by: 512))
                case .almostGreets: note(slots.grow(id, by: 16 << 10))
                }
            }
            if tick.isMultiple(of: 100), tick > 1_000 {
                let id = ConnectionID.next()
                note(slots.enter(id, from: ownHost, at: now))
                peers.append((id, now, false))
                came += 1
            }
            for index in peers.indices.reversed() {
                let one = peers[index]
                if lost.contains(one.id) {
                    peers.remove(at: index)
                } else if !one.isGreeting, now - one.came >= wait {
                    note(slots.greet(one.id))
                    peers[index].isGreeting = true
                } else if one.isGreeting, now - one.came >= 2 * wait {
                    slots.identify(one.id, as: peer)
                    if slots.authorize(one.id, as: peer) == .authorized { entered += 1 }
                    slots.leave(one.id)
                    peers.remove(at: index)
                }
            }
            note(slots.expire(at: now))
            memory = max(memory, slots.unauthorizedCost)
        }
        return (entered, came - peers.count, memory)
    }

    @Test(
        arguments: Attack.allCases,
        [1, 254]
    )
    func `a flood keeps no peer out that needs 300 ms for each step: from one address, its own, and from many`(
        attack: Attack,
        addresses: Int
    ) throws {
        for isSameAddress in [true, false] {
            let result = try flood(
                attack,
                perSecond: 1_000,
                addresses: addresses,
                isSameAddress: isSameAddress,
                wait: 300 * Self.millisecond
            )
            #expect(result.of >= 30)
            #expect(result.in == result.of, "\(result)")
            #expect(result.memory <= Self.mostMemory, "\(result)")
        }
    }

    @Test func `4 000 connections a second from 254 addresses keep no peer out at 100 ms round trip`() throws {
        for attack in [Attack.saysNothing, .greets] {
            let result = try flood(
                attack,
                perSecond: 4_000,
                addresses: 254,
                isSameAddress: true,
                wait: 100 * Self.millisecond
            )
            #expect(result.in == result.of, "\(attack): \(result)")
            #expect(result.memory <= Self.mostMemory)
        }
    }

    @Test func `one address has no more than its share, whatever it holds, and takes nothing from the others`() throws {
        var slots = ConnectionSlots(limits: ConnectionLimits())
        let (attacker, other) = (try #require(InternetHost("192.0.2.1")), try #require(InternetHost("192.0.2.2")))
        let waits = ConnectionID.next()
        let greets = ConnectionID.next()
        for id in [waits, greets] { _ = slots.enter(id, from: other, at: 0) }
        _ = slots.greet(greets)
        var lost: [ConnectionID] = []
        for _ in 0..<20_000 {
            let id = ConnectionID.next()
            lost += slots.enter(id, from: attacker, at: 0)
            if Bool.random() { lost += slots.greet(id) }
            lost += slots.grow(id, by: Int.random(in: 0..<LinkSocket.mostUnauthorized))
        }
        #expect(!lost.contains(waits) && !lost.contains(greets))
        #expect(slots.unauthorizedCost <= ConnectionSlots.silentShare + ConnectionSlots.greetingShare + 1 << 20)
        // Those that were pushed out are forgotten.
        let verdicts = lost.suffix(1_000).map { slots.authorize($0, as: IdentityKey().endpointID) }
        #expect(verdicts.allSatisfy { $0 == .gone })
        #expect(slots.evicted == UInt64(lost.count))
    }

    @Test
    func
        `a handshake that is not done in time ends, one that is done does not, and strangers have a share of an address`()
        throws
    {
        var limits = ConnectionLimits()
        limits.handshakeTimeoutSec = 10
        limits.maxConnectionsPerAddress = 2
        var slots = ConnectionSlots(limits: limits)
        let host = try #require(InternetHost("2001:db8::1"))
        let neighbour = try #require(InternetHost("2001:db8::2"))
        let ids = (0..<4).map { _ in ConnectionID.next() }
        var pushedOut: [ConnectionID] = []
        for (index, id) in ids.enumerated() {
            pushedOut += slots.enter(id, from: index == 0 ? host : neighbour, at: UInt64(index))
        }
        for id in ids[1...] {
            pushedOut += slots.greet(id)
            slots.identify(id, as: IdentityKey().endpointID)
        }
        #expect(pushedOut.isEmpty)
        let deadline = slots.nextDeadline
        #expect(deadline == 10_000_000_000)
        let early = slots.expire(at: 10_000_000_000 - 1)
        let late = slots.expire(at: .max)
        #expect(early.isEmpty && late == [ids[0]])
        let nothing = slots.nextDeadline
        #expect(nothing == nil)
        let estranged = ids[1...].map { slots.markAsStranger($0) }
        #expect(estranged == [[], [], [ids[1]]])
        for id in ids { slots.leave(id) }
        #expect(slots.isEmpty && slots.unauthorizedCost == 0 && slots.open == 0)
    }
}
