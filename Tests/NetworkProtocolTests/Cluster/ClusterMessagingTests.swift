internal import Glibc
internal import Identity
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import Testing

@testable import NetworkProtocol

/// Members of one cluster in this process, over real sockets on loopback.
@Suite("Messages between members", .timeLimit(.minutes(5)))
struct ClusterMessagingTests {
    /// Answers `who` with its own number and the sender's, and `slow` never.
    static func dispatcher(_ number: UInt8) -> Dispatcher {
        var dispatcher = Dispatcher()
        dispatcher.onCommand("who") { _, context in
            [number, context.peer.endpointID.map(NumberedIdentity.number) ?? 0]
        }
        dispatcher.onCommand("slow") { _, _ in
            try await Task.sleep(for: .seconds(3_600))
            return []
        }
        return dispatcher
    }

    /// Waits until each of these knows all the others.
    static func waitForAll(_ clusters: [Cluster]) async throws {
        let numbers = Set(1...UInt8(clusters.count))
        for (index, cluster) in clusters.enumerated() {
            try await ClusterTests.wait(cluster, for: numbers.subtracting([UInt8(index + 1)]))
        }
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func `three members ask each other, each knows who asks, and two asks share a connection`(listening: String)
        async throws
    {
        try await ClusterTests.running(3, listening: listening, dispatcher: Self.dispatcher) { clusters, _ in
            try await Self.waitForAll(clusters)
            for (index, cluster) in clusters.enumerated() {
                for member in cluster.members {
                    for _ in 0..<2 {
                        let reply = try await cluster.request("who", to: member)
                        #expect(reply == [member.number, UInt8(index + 1)])
                    }
                }
                #expect(cluster.connectionCount == 2)
            }
            let member = try #require(clusters[0].members.first)
            await #expect {
                try await clusters[0].request("what", to: member)
            } throws: {
                guard let error = $0 as? ClusterMessagingError, error.member == member.endpointID else { return false }
                return error.cause?.failureCode == .unknownCommand
            }
        }
    }

    @Test func `what handlers give back to messages that are no requests does not fill a connection`() async throws {
        try await ClusterTests.running(2, dispatcher: Self.dispatcher) { clusters, members in
            try await Self.waitForAll(clusters)
            let capacity = clusters[0].configuration.messaging.connection.channelCapacity
            for _ in 0..<(4 * capacity) {
                try await clusters[0].send(.custom(command: "who", payload: []), to: members[1].endpointID)
            }
            #expect(try await clusters[0].request("who", to: members[1].endpointID) == [2, 1])
        }
    }

    @Test func `a broadcast comes to every member that takes messages`() async throws {
        let (heard, tell) = AsyncStream.makeStream(of: String.self)
        func listening(_ number: UInt8) -> Dispatcher? {
            guard number != 4 else { return nil }
            var dispatcher = Dispatcher()
            dispatcher.onData { bytes, context in
                let sender = context.peer.endpointID.map(NumberedIdentity.number) ?? 0
                tell.yield("\(number) from \(sender): \(String(decoding: bytes, as: UTF8.self))")
                return nil
            }
            return dispatcher
        }
        try await ClusterTests.running(4, dispatcher: listening) { clusters, _ in
            try await Self.waitForAll(clusters)
            // A member that accepts no messages can still send some.
            #expect(await clusters[3].broadcast(.data(Array("hello".utf8))).isEmpty)
            var lines: Set<String> = []
            for await line in heard {
                lines.insert(line)
                if lines.count == 3 { break }
            }
            #expect(lines == ["1 from 4: hello", "2 from 4: hello", "3 from 4: hello"])
            let fourth = try #require(clusters[0].members.first { $0.number == 4 })
            await #expect(throws: ClusterMessagingError.takesNoMessages(fourth.endpointID)) {
                try await clusters[0].send(.data([]), to: fourth)
            }
        }
    }

    @Test func `a peer without the cluster's key is refused, and so is one that has it and is no member`() async throws
    {
        try await ClusterTests.running(2, dispatcher: Self.dispatcher) { clusters, members in
            try await Self.waitForAll(clusters)
            let key = ClusterTests.key.messagingKey(clusterName: "test")
            let other = SwimDatagramTests.key(2).messagingKey(clusterName: "test")
            let member = members[0].endpointID
            func connect(_ trust: Trust) async throws(ConnectionError) -> Client {
                let port = Int(members[0].messagingPort)
                return try await Client.connect(to: .tcp(host: "127.0.0.1", port: port, trust: trust))
            }
            // Another member's own key is useless without the cluster's.
            for identity in [NumberedIdentity.key(2), NumberedIdentity.key(9)] {
                for trust in [
                    Trust.pinned([member], identity: identity), .anonymous(identity: identity), .preSharedKey(other),
                    .pinned(identity: identity, preSharedKey: other) { $0 == member },
                ] {
                    await #expect(throws: ConnectionError.handshake(.notAuthentic)) { try await connect(trust) }
                }
            }
            for trust in [
                Trust.preSharedKey(key), .pinned(identity: NumberedIdentity.key(9), preSharedKey: key) { $0 == member },
            ] {
                await #expect {
                    // The daemon's refusal may arrive with the first request.
                    _ = try await connect(trust).request("who")
                } throws: {
                    ($0 as? ConnectionError)?.failureCode == .unauthorized
                }
            }
            let insider = Trust.pinned(identity: NumberedIdentity.key(2), preSharedKey: key) { $0 == member }
            let client = try await connect(insider)
            #expect(try await client.request("who") == [1, 2])
            await client.close()
        }
    }

    @Test func `a peer that has the cluster's key but another identity than expected is refused`() async throws {
        try await ClusterTests.running(2, dispatcher: Self.dispatcher) { clusters, members in
            try await Self.waitForAll(clusters)
            // The second member claims that a ninth one accepts messages at the second one's address.
            let ninth = SwimUpdate(
                id: NumberedIdentity.memberID(9),
                incarnation: 1,
                claim: .alive(members[1].address, messagingPort: members[1].messagingPort)
            )
            let lie = SwimMessage(sender: NumberedIdentity.memberID(2), body: .gossip, updates: [ninth]).encoded()
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let ring = SwimKeyring(clusterName: "test", keys: [ClusterTests.key])
            let datagram = ring.seal(lie, sentAt: Int64(now.tv_sec * 1_000), nonce: SwimDatagramTests.nonce)
            try Flood(to: members[0].address).send([datagram], count: 1)
            try await ClusterTests.wait(clusters[0], for: [2, 9])
            let error = ConnectionError.handshake(.notAdmitted(NumberedIdentity.id(2)))
            await #expect(throws: ClusterMessagingError.connection(NumberedIdentity.id(9), error)) {
                try await clusters[0].request("who", to: NumberedIdentity.id(9))
            }
        }
    }

    @Test func `asking a member that takes connections and says nothing ends in time, and with the task that asks`()
        async throws
    {
        let mute = try await PlainServer.start(isReading: false)
        var configuration = try ClusterTests.configuration(2)
        // Long enough that the invented member is not detected.
        configuration.period = .seconds(30)
        configuration.messaging.connection.handshakeTimeout = .seconds(30)
        configuration.messaging.sendTimeout = .milliseconds(200)
        let cluster = Cluster(configuration)
        let run = Task { try await cluster.run() }
        let own = try #require(await cluster.started())
        let claim = SwimUpdate(
            id: NumberedIdentity.memberID(9),
            incarnation: 1,
            claim: .alive(try #require(MemberAddress("127.0.0.1:9")), messagingPort: UInt16(mute.port))
        )
        let lie = SwimMessage(sender: NumberedIdentity.memberID(9), body: .gossip, updates: [claim]).encoded()
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ring = SwimKeyring(clusterName: "test", keys: [ClusterTests.key])
        let datagram = ring.seal(lie, sentAt: Int64(now.tv_sec * 1_000), nonce: SwimDatagramTests.nonce)
        try Flood(to: own.address).send([datagram], count: 1)
        try await ClusterTests.wait(cluster, for: [9])
        let id = NumberedIdentity.id(9)
        let late = ConnectionError.timedOut(what: "connecting to the member")
        await #expect(throws: ClusterMessagingError.connection(id, late)) {
            try await cluster.request("who", to: id, timeout: .milliseconds(200))
        }
        await #expect(throws: ClusterMessagingError.connection(id, late)) { try await cluster.send(.data([]), to: id) }
        let asking = Task { try await cluster.request("who", to: id) }
        try await Task.sleep(for: .milliseconds(50))
        asking.cancel()
        await #expect(throws: ClusterMessagingError.connection(id, .cancelled)) { try await asking.value }
        run.cancel()
        _ = await run.result
        await mute.close()
    }

    @Test func `the connections of a member that fails are cut on both sides, and sending to it says so`() async throws
    {
        try await ClusterTests.running(2, dispatcher: Self.dispatcher) { clusters, members in
            let seeds = ["\(members[0].address)"]
            let third = try RunningProgram(3, key: ClusterTests.key, seeds: seeds)
            for cluster in clusters {
                try await ClusterTests.wait(
                    cluster,
                    for: [3 - NumberedIdentity.number(of: cluster.configuration.identity.endpointID), 3]
                )
            }
            let id = NumberedIdentity.id(3)
            try await third.wait(for: "heard 1")
            #expect(try await clusters[0].request("who", to: id) == [3])
            #expect(clusters[0].acceptedCount == 1 && clusters[0].connectionCount == 1)
            let waiting = Task { try await clusters[0].request("slow", to: id) }
            // It sends nothing anymore, and its connections stay open: as after a power failure.
            third.signal(SIGSTOP)
            // The error is not that it is no member: the request was sent, and may have been handled.
            await #expect {
                try await waiting.value
            } throws: {
                guard let error = $0 as? ClusterMessagingError, error.member == id else { return false }
                return error.cause?.code == .unanswered
            }
            while clusters[0].connectionCount + clusters[0].acceptedCount > 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            await #expect(throws: ClusterMessagingError.notAMember(id)) {
                try await clusters[0].send(.data([]), to: id)
            }
        }
    }

    @Test func `a member that leaves first answers pending requests, then closes its connections`() async throws {
        try await ClusterTests.running(1) { clusters, members in
            let asked = AsyncStream.makeStream(of: Void.self)
            var dispatcher = Dispatcher()
            dispatcher.onCommand("wait") { payload, _ in
                asked.continuation.yield()
                try await Task.sleep(for: .milliseconds(500))
                return payload
            }
            let second = Cluster(
                try ClusterTests.configuration(2, seeds: ["\(members[0].address)"]),
                dispatcher: dispatcher
            )
            let run = Task { try await second.run() }
            try await Self.waitForAll(clusters + [second])
            let request = Task { try await clusters[0].request("wait", [7], to: NumberedIdentity.id(2)) }
            for await _ in asked.stream { break }
            await second.leave()
            try await run.value
            #expect(try await request.value == [7])
            while clusters[0].connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            await #expect(throws: ClusterMessagingError.notRunning) {
                try await second.send(.data([]), to: NumberedIdentity.id(1))
            }
            await #expect(throws: ClusterMessagingError.notAMember(NumberedIdentity.id(2))) {
                try await clusters[0].request("wait", to: NumberedIdentity.id(2))
            }
        }
    }

    @Test
    func `connections stay within the limit: an idle one is closed, and if none is idle the sender gets an error`()
        async throws
    {
        let asked = AsyncStream.makeStream(of: Void.self)
        func dispatcher(_ number: UInt8) -> Dispatcher {
            var dispatcher = Self.dispatcher(number)
            dispatcher.onCommand("slow") { _, _ in
                asked.continuation.yield()
                try await Task.sleep(for: .seconds(3_600))
                return []
            }
            return dispatcher
        }
        try await ClusterTests.running(3, dispatcher: dispatcher) { clusters, members in
            var configuration = try ClusterTests.configuration(4, seeds: members.map { "\($0.address)" })
            configuration.messaging.maximumConnections = 1
            let fourth = Cluster(configuration)
            let run = Task { try await fourth.run() }
            try await Self.waitForAll(clusters + [fourth])
            for number in [1, 2, 3, 1] as [UInt8] {
                #expect(try await fourth.request("who", to: NumberedIdentity.id(number)) == [number, 4])
                #expect(fourth.connectionCount == 1)
            }
            let waiting = Task { try await fourth.request("slow", to: NumberedIdentity.id(1)) }
            for await _ in asked.stream { break }
            await #expect(throws: ClusterMessagingError.tooManyConnections(limit: 1)) {
                try await fourth.request("who", to: NumberedIdentity.id(2))
            }
            waiting.cancel()
            _ = await waiting.result
            #expect(try await fourth.request("who", to: NumberedIdentity.id(3)) == [3, 4])
            run.cancel()
            _ = await run.result
        }
    }

    @Test func `members talk while the cluster changes its key, whichever of the two each has first`() async throws {
        let (old, new) = (ClusterTests.key, SwimDatagramTests.key(9))
        try await withThrowingTaskGroup { group in
            var clusters: [Cluster] = []
            var seeds: [String] = []
            for (number, keys) in [[old, new], [old, new], [new, old]].enumerated() {
                var configuration = try ClusterTests.configuration(UInt8(number + 1), seeds: seeds)
                configuration.keys = keys
                let cluster = Cluster(configuration, dispatcher: Self.dispatcher(UInt8(number + 1)))
                group.addTask { try await cluster.run() }
                seeds.append("\(try #require(await cluster.started()).address)")
                clusters.append(cluster)
            }
            try await Self.waitForAll(clusters)
            for (asker, asked) in [(0, 1), (0, 2), (2, 0), (2, 1)] {
                let reply = try await clusters[asker].request("who", to: NumberedIdentity.id(UInt8(asked + 1)))
                #expect(reply == [UInt8(asked + 1), UInt8(asker + 1)])
            }
            group.cancelAll()
        }
    }

    @Test func `a messaging port in use is an error that says so`() async throws {
        try await ClusterTests.running(1, dispatcher: Self.dispatcher) { _, members in
            var configuration = try ClusterTests.configuration(2)
            configuration.messaging.port = members[0].messagingPort
            let second = Cluster(configuration, dispatcher: Self.dispatcher(2))
            await #expect {
                try await second.run()
            } throws: {
                "\($0)".contains("TCP 127.0.0.1:\(members[0].messagingPort)") && "\($0)".contains("another program")
            }
            #expect(await second.started() == nil)
        }
    }
}
