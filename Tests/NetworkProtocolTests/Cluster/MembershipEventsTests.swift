internal import Testing

@testable import NetworkProtocol

@Suite("Membership events", .timeLimit(.minutes(1)))
struct MembershipEventsTests {
    static func member(_ number: UInt8, _ status: MemberStatus = .alive, port: UInt16 = 7_000) -> ClusterMember {
        ClusterMember(
            id: SwimMessageTests.id(number),
            address: SwimMessageTests.address([10, 0, 0, number], port),
            messagingPort: 0,
            incarnation: 1,
            status: status
        )
    }

    /// What a consumer reads of the hub's events.
    static func read(_ subscriber: MembershipSubscriber) async -> [String] {
        subscriber.finish()
        var read: [String] = []
        while let event = await subscriber.next() { read.append("\(event.change) \(event.member.address.ip[3])") }
        return read
    }

    private func reported(_ events: [MembershipEvent]) async -> [String] {
        let hub = MembershipHub()
        let subscriber = hub.subscribe()
        for event in events { hub.report(event) }
        return await Self.read(subscriber)
    }

    @Test func `a late reader gets the present state, without what came and went`() async {
        let events: [MembershipEvent] = [
            .init(.joined, Self.member(1)), .init(.joined, Self.member(2)), .init(.joined, Self.member(3)),
            .init(.suspected, Self.member(1, .suspect)), .init(.recovered, Self.member(1)),
            .init(.failed, Self.member(2, .dead)), .init(.suspected, Self.member(3, .suspect)),
        ]
        #expect(await reported(events) == ["joined 1", "joined 3"])
    }

    @Test
    func `each change between two reads is reported once, and a member that failed and returned as failed and joined`()
        async
    {
        let hub = MembershipHub()
        for number in UInt8(1)...5 { hub.report(.init(.joined, Self.member(number))) }
        let subscriber = hub.subscribe()
        var joined: Set<UInt8> = []
        for _ in 1...5 { if let event = await subscriber.next() { joined.insert(event.member.address.ip[3]) } }
        #expect(joined == [1, 2, 3, 4, 5])
        hub.report(.init(.failed, Self.member(1, .dead)))
        hub.report(.init(.joined, Self.member(1)))
        hub.report(.init(.left, Self.member(2, .left)))
        hub.report(.init(.suspected, Self.member(3, .suspect)))
        hub.report(.init(.recovered, Self.member(3)))
        hub.report(.init(.updated, Self.member(4, port: 8_000)))
        hub.report(.init(.suspected, Self.member(5, .suspect)))
        #expect(await Self.read(subscriber) == ["failed 1", "left 2", "updated 4", "suspected 5", "joined 1"])
    }

    @Test func `a waiting consumer gets a change at once, and ends when it is canceled or the cluster ends`() async {
        let hub = MembershipHub()
        var iterator = MembershipEvents(hub: hub).makeAsyncIterator()
        let waiting = Task { [hub] in
            var own = MembershipEvents(hub: hub).makeAsyncIterator()
            return await own.next()?.change
        }
        hub.report(.init(.joined, Self.member(1)))
        #expect(await iterator.next()?.change == .joined)
        #expect(await waiting.value == .joined)
        let cancelled = Task { [hub] in
            var own = MembershipEvents(hub: hub).makeAsyncIterator()
            _ = await own.next()
            return await own.next()
        }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        hub.finish()
        #expect(await iterator.next() == nil)
        // A later consumer gets the current members.
        var late = MembershipEvents(hub: hub).makeAsyncIterator()
        #expect(await late.next()?.change == .joined)
        #expect(await late.next() == nil)
    }

    @Test func `a consumer that never reads keeps one entry a member, however many come and go`() async {
        let hub = MembershipHub()
        let subscriber = hub.subscribe()
        hub.report(.init(.joined, Self.member(1)))
        for round in 0..<20_000 {
            let number = UInt8(2 + round % 200)
            hub.report(.init(.joined, Self.member(number)))
            hub.report(.init(.suspected, Self.member(1, .suspect)))
            hub.report(.init(.failed, Self.member(number, .dead)))
            hub.report(.init(.recovered, Self.member(1)))
        }
        #expect(subscriber.entries <= 70)
        #expect(await Self.read(subscriber) == ["joined 1"])
    }
}
