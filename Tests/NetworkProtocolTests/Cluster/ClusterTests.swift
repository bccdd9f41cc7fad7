internal import Glibc
internal import Identity
internal import NIOCore
internal import NIOPosix
internal import NetworkProtocol
internal import Testing

/// Members in this process, over real sockets on loopback.
@Suite("Clusters", .timeLimit(.minutes(5)))
struct ClusterTests {
    static let key = SwimDatagramTests.key(1)

    static func configuration(
        _ number: UInt8,
        key: ClusterKey = key,
        listening: String = "127.0.0.1:0",
        seeds: [String] = [],
        period: Duration = .milliseconds(200)
    ) throws -> ClusterConfiguration {
        let address = try #require(MemberAddress(listening))
        var configuration = ClusterConfiguration(
            name: "test",
            key: key,
            identity: NumberedIdentity.key(number),
            listening: address,
            seeds: seeds
        )
        configuration.period = period
        configuration.pingTimeout = period * 2 / 5
        return configuration
    }

    /// Runs members one after another, each with the addresses of the earlier ones as seeds; cancels them at the end.
    static func running(
        _ count: Int,
        listening: String = "127.0.0.1:0",
        period: Duration = .milliseconds(200),
        dispatcher: (UInt8) -> Dispatcher? = { _ in nil },
        _ body: ([Cluster], [ClusterMember]) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            var clusters: [Cluster] = []
            var members: [ClusterMember] = []
            for number in 1...UInt8(count) {
                let seeds = members.map { "\($0.address)" }
                let own = try configuration(number, listening: listening, seeds: seeds, period: period)
                let cluster = Cluster(own, dispatcher: dispatcher(number))
                group.addTask { try await cluster.run() }
                clusters.append(cluster)
                members.append(try #require(await cluster.started()))
            }
            try await body(clusters, members)
            group.cancelAll()
        }
    }

    /// Waits until the members of a cluster are these, by number. If they never are, the suite's time limit ends the
    /// test.
    static func wait(_ cluster: Cluster, for numbers: Set<UInt8>) async throws {
        while Set(cluster.members.map(\.number)) != numbers {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func `members find each other through a seed, with where they take messages`() async throws {
        try await Self.running(3, dispatcher: { $0 == 3 ? Dispatcher() : nil }) { clusters, members in
            for (index, cluster) in clusters.enumerated() {
                try await Self.wait(cluster, for: Set([1, 2, 3].filter { $0 != index + 1 }.map(UInt8.init)))
            }
            let first = clusters[0].members
            let third = try #require(first.first { $0.number == 3 })
            #expect(third.address == members[2].address && third.messagingPort == members[2].messagingPort)
            #expect(third.messagingPort != 0 && first.first { $0.number == 2 }?.messagingPort == 0)
        }
    }

    @Test func `every caller learns that a member has started, as often as it asks`() async throws {
        let cluster = Cluster(try Self.configuration(1))
        let asking = (0..<3).map { _ in Task { await cluster.started() } }
        let late = Task {
            try? await Task.sleep(for: .seconds(10))
            for task in asking { task.cancel() }
        }
        let run = Task { try await cluster.run() }
        defer { run.cancel() }
        let own = try #require(await cluster.started())
        for task in asking { #expect(await task.value == own) }
        #expect(await cluster.started() == own)
        late.cancel()
    }

    @Test func `members find each other over IPv6`() async throws {
        try await Self.running(3, listening: "[::1]:0") { clusters, members in
            #expect(!members[0].address.isIPv4 && members[0].address.description.hasPrefix("[::1]:"))
            try await Self.wait(clusters[0], for: [2, 3])
            try await Self.wait(clusters[2], for: [1, 2])
        }
    }

    @Test func `a socket for both families speaks to members of either`() async throws {
        try await withThrowingTaskGroup { group in
            var both = try Self.configuration(1, listening: "[::]:0")
            both.advertised = MemberAddress("[::1]:0")
            let first = Cluster(both)
            group.addTask { try await first.run() }
            let own = try #require(await first.started())
            #expect(own.address.port != 0)
            let second = Cluster(try Self.configuration(2, listening: "[::1]:0", seeds: ["\(own.address)"]))
            group.addTask { try await second.run() }
            try await Self.wait(first, for: [2])
            // One that listens on IPv4 only can be reached from there, too.
            let third = Cluster(try Self.configuration(3))
            group.addTask { try await third.run() }
            let address = try #require(await third.started()).address
            var fourth = try Self.configuration(4, listening: "[::]:0", seeds: ["\(address)"])
            fourth.advertised = MemberAddress("127.0.0.1:0")
            let member = Cluster(fourth)
            group.addTask { try await member.run() }
            try await Self.wait(third, for: [4])
            try await Self.wait(member, for: [3])
            group.cancelAll()
        }
    }

    @Test func `a seed may be a name, and one that is forbidden to send to stops no member`() async throws {
        try await withThrowingTaskGroup { group in
            let first = Cluster(try Self.configuration(1))
            group.addTask { try await first.run() }
            let port = try #require(await first.started()).address.port
            // Sending to a broadcast address is forbidden, and closes the sender's socket.
            let seeds = ["127.255.255.255:9", "localhost:\(port)", "no-such-host.invalid:9"]
            let second = Cluster(try Self.configuration(2, seeds: seeds))
            group.addTask { try await second.run() }
            try await Self.wait(first, for: [2])
            try await Self.wait(second, for: [1])
            group.cancelAll()
        }
    }

    @Test func `a member that leaves is reported as left, and its run ends`() async throws {
        try await withThrowingTaskGroup { group in
            let first = Cluster(try Self.configuration(1))
            group.addTask { try await first.run() }
            let address = try #require(await first.started()).address
            let second = Cluster(try Self.configuration(2, seeds: ["\(address)"]))
            let run = Task { try await second.run() }
            try await Self.wait(second, for: [1])
            var events = first.events.makeAsyncIterator()
            #expect(await events.next()?.change == .joined)
            await second.leave()
            try await run.value
            var change = await events.next()?.change
            // It may have been suspected while it left.
            while change == .suspected || change == .recovered { change = await events.next()?.change }
            #expect(change == .left && first.members.isEmpty)
            await #expect(throws: ClusterError.alreadyRan) { try await second.run() }
            await second.leave()
            group.cancelAll()
        }
    }

    @Test func `a member with another key or cluster name stays alone`() async throws {
        try await Self.running(2) { clusters, members in
            try await Self.wait(clusters[0], for: [2])
            let seeds = members.map { "\($0.address)" }
            let stranger = Cluster(try Self.configuration(3, key: SwimDatagramTests.key(2), seeds: seeds))
            var other = try Self.configuration(4, seeds: seeds)
            other.name = "another"
            let namesake = Cluster(other)
            let newcomer = Cluster(try Self.configuration(5, seeds: seeds))
            try await withThrowingTaskGroup { group in
                for cluster in [stranger, namesake, newcomer] { group.addTask { try await cluster.run() } }
                // The strangers have tried as often as the new member, which got in, and for twenty more periods.
                try await Self.wait(clusters[0], for: [2, 5])
                try await Self.wait(newcomer, for: [1, 2])
                try await Task.sleep(for: .seconds(4))
                #expect(stranger.members.isEmpty && namesake.members.isEmpty)
                #expect(clusters[0].members.count == 2)
                group.cancelAll()
            }
        }
    }

    @Test func `whatever strangers send, recorded datagrams among it, changes nothing`() async throws {
        try await Self.running(2) { clusters, members in
            try await Self.wait(clusters[0], for: [2])
            let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(members[0].address.port))
            let sender = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let dead = SwimUpdate(id: NumberedIdentity.memberID(2), incarnation: 1 << 55, claim: .dead)
            let lie = SwimMessage(sender: NumberedIdentity.memberID(9), body: .gossip, updates: [dead]).encoded()
            let nonce = [UInt8](repeating: 7, count: SwimDatagram.nonceLength)
            let stranger = SwimKeyring(clusterName: "test", keys: [SwimDatagramTests.key(3)])
            let insider = SwimKeyring(clusterName: "test", keys: [Self.key])
            var datagrams = [
                stranger.seal(lie, sentAt: 0, nonce: nonce), lie, [], [UInt8](repeating: 0x53, count: 1_400),
            ]
            // An hour old, and from a clock that is an hour ahead.
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            for offset in [-3_600_000, 3_600_000] {
                datagrams.append(insider.seal(lie, sentAt: Int64(now.tv_sec * 1_000 + offset), nonce: nonce))
            }
            for _ in 0..<50 {
                for bytes in datagrams {
                    let envelope = AddressedEnvelope(remoteAddress: target, data: ByteBuffer(bytes: bytes))
                    try await sender.writeAndFlush(envelope)
                }
            }
            // A member that joins afterward shows that everything before was read.
            let third = Cluster(try Self.configuration(3, seeds: ["\(members[0].address)"]))
            let run = Task { try await third.run() }
            try await Self.wait(clusters[0], for: [2, 3])
            #expect(clusters[0].members.allSatisfy { $0.incarnation < 1 << 55 })
            run.cancel()
            _ = await run.result
            try await sender.close()
        }
    }

    @Test func `a port in use and values out of range are errors that say so`() async throws {
        try await Self.running(1) { _, members in
            let second = Cluster(try Self.configuration(2, listening: "\(members[0].address)"))
            await #expect {
                try await second.run()
            } throws: {
                "\($0)".contains("UDP \(members[0].address)") && "\($0)".contains("another program")
            }
            #expect(await second.started() == nil)
        }
        let changes: [(String, (inout ClusterConfiguration) -> Void)] = [
            ("name", { $0.name = "" }), ("keys", { $0.keys = [] }), ("period", { $0.period = .milliseconds(1) }),
            ("pingTimeout", { $0.pingTimeout = .milliseconds(100) }), ("maximumMembers", { $0.maximumMembers = 1 }),
            ("period", { $0.period = .seconds(Int64.max) }), ("leaveTimeout", { $0.leaveTimeout = .seconds(-1) }),
            ("messaging.maximumConnections", { $0.messaging.maximumConnections = 0 }),
        ]
        for (name, change) in changes {
            var configuration = try Self.configuration(1)
            change(&configuration)
            let cluster = Cluster(configuration)
            await #expect {
                try await cluster.run()
            } throws: {
                "\($0)".contains(": \(name): ")
            }
        }
    }

    @Test(arguments: [
        ("host", "\"host\" is not HOST:PORT, with a port from 1 to 65535"),
        ("host:65536", "\"host:65536\" is not HOST:PORT, with a port from 1 to 65535"),
        (
            "::1:7000",
            "\"::1:7000\" is not HOST:PORT, with a port from 1 to 65535, and with brackets around an IPv6 address"
        ),
        ("127.0.0.1:0", "\"127.0.0.1:0\" has port 0; a seed needs a port from 1 to 65535"),
        ("[::1]:0", "\"[::1]:0\" has port 0; a seed needs a port from 1 to 65535"),
    ])
    func `an unusable seed is refused with its problem`(
        seed: String,
        problem: String
    ) async throws {
        let cluster = Cluster(try Self.configuration(1, seeds: [seed]))
        await #expect {
            try await cluster.run()
        } throws: {
            "\($0)".contains(": seeds: \(problem)")
        }
    }

    @Test(arguments: [
        ("127.0.0.1:7000", "127.0.0.1:7000"), ("[2001:db8:0::1]:7", "[2001:db8::1]:7"),
        ("[::ffff:10.0.0.1]:1", "10.0.0.1:1"),
        ("0.0.0.0:0", "0.0.0.0:0"),
    ])
    func `an address is read and written as people write it`(text: String, written: String) {
        #expect(MemberAddress(text).map { "\($0)" } == written)
    }

    @Test(arguments: [
        "", ":", "host:1", "1.2.3.4", "::1:7000", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "[]:1", "1.2.3:1x",
    ])
    func `what is no address with a port is none`(text: String) { #expect(MemberAddress(text) == nil) }
}
