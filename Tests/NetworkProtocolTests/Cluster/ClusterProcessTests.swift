internal import Glibc
internal import NetworkProtocol
internal import Testing

/// Members in processes of their own.
@Suite("Clusters of processes", .timeLimit(.minutes(5)))
struct ClusterProcessTests {
    @Test
    func
        `one of five processes is killed, and the other four see it fail; it comes back; one leaves, and all see it leave`()
        async throws
    {
        let key = ClusterKey.random()
        var peers: [RunningProgram] = []
        var seeds: [String] = []
        for number in 1...5 {
            let peer = try RunningProgram(number, key: key, seeds: seeds)
            seeds.append(try await peer.wait(for: "listening "))
            peers.append(peer)
        }
        for (index, peer) in peers.enumerated() {
            for other in 1...5 where other != index + 1 {
                try await peer.wait(for: "joined \(other)")
                try await peer.wait(for: "heard \(other)")
            }
        }
        for peer in peers {
            let early = peer.lines.filter { $0.hasPrefix("suspected ") || $0.hasPrefix("failed ") }
            #expect(early.isEmpty, "no member has failed yet")
        }
        peers.remove(at: 2).signal(SIGKILL)
        for peer in peers { try await peer.wait(for: "failed 3") }
        // It returns with the same number, on another port.
        let again = try RunningProgram(3, key: key, seeds: Array(seeds.prefix(2)))
        for number in [1, 2, 4, 5] { try await again.wait(for: "joined \(number)") }
        for peer in peers {
            try await peer.wait(for: "joined 3", times: 2)
            try await peer.wait(for: "heard 3", times: 2)
        }
        let leaving = peers.removeLast()
        leaving.signal(SIGTERM)
        let farewell = try await leaving.end()
        #expect(farewell.status == 0 && farewell.lines.last == "ended")
        peers.append(again)
        for peer in peers { try await peer.wait(for: "left 5") }
        for peer in peers { peer.signal(SIGINT) }
        for peer in peers {
            let end = try await peer.end()
            #expect(end.status == 0 && end.lines.last == "ended")
            let failures = end.lines.filter { $0.hasPrefix("failed ") }
            #expect(failures == (peer === again ? [] : ["failed 3"]), "\(end.lines)")
        }
    }

    @Test func `a member that leaves answers pending requests, and a second signal cuts that short`() async throws {
        let key = ClusterKey.random()
        let peer = try RunningProgram(1, key: key, seeds: [])
        let address = try await peer.wait(for: "listening ")
        var configuration = try ClusterTests.configuration(2, key: key, seeds: [address])
        configuration.period = .seconds(1)
        let cluster = Cluster(configuration)
        let run = Task { try await cluster.run() }
        try await ClusterTests.wait(cluster, for: [1])
        let slow = Task { try await cluster.request("slow", to: NumberedIdentity.id(1)) }
        // The answer to a later request shows that it is in progress.
        await #expect(throws: ClusterMessagingError.self) {
            _ = try await cluster.request("slow", to: NumberedIdentity.id(1), timeout: .milliseconds(300))
        }
        _ = try await cluster.request("who", to: NumberedIdentity.id(1))
        // Subscribed before the signal: an event without a consumer is not delivered later.
        var events = cluster.events.makeAsyncIterator()
        peer.signal(SIGTERM)
        while let event = await events.next(), event.change != .left {}
        peer.signal(SIGINT)
        let end = try await peer.end()
        #expect(end.status == 0 && end.lines.last == "ended")
        for task in [slow.cancel, run.cancel] { task() }
        _ = await run.result
    }

    @Test func `a flood of datagrams that are none costs no memory, and members are found beside it`() async throws {
        let key = ClusterKey.random()
        let first = try RunningProgram(1, key: key, seeds: [])
        let text = try await first.wait(for: "listening ")
        let address = try #require(MemberAddress(text))
        // Datagrams of the first kind are invalid as a whole; those of the second must be decrypted to detect that.
        let ring = SwimKeyring(clusterName: "test", keys: [key])
        let sealed = ring.seal([UInt8](repeating: 0, count: 1_000), sentAt: 0, nonce: SwimDatagramTests.nonce)
        let garbage = [[UInt8](repeating: 0x53, count: 1_400), sealed.dropLast() + [sealed[sealed.count - 1] ^ 1]]
        let flood = try Flood(to: address)
        flood.send(garbage, count: 20_000)
        let before = try first.residentBytes()
        flood.send(garbage, count: 200_000)
        #expect(try first.residentBytes() - before < 8 << 20)
        // Some of the members' datagrams are lost in the flood.
        let second = try RunningProgram(2, key: key, seeds: ["\(address)"])
        flood.send(garbage, count: 50_000)
        try await first.wait(for: "joined 2")
        try await second.wait(for: "joined 1")
        for peer in [first, second] {
            peer.signal(SIGTERM)
            let status = try await peer.end().status
            #expect(status == 0)
        }
    }

    @Test func `addresses to which the system refuses to send keep no member out`() async throws {
        let key = ClusterKey.random()
        // ENETUNREACH: there is no route; then EHOSTUNREACH, EACCES and EINVAL.
        let hopeless = (1...4).map { "198.51.100.\($0):9" }
        let routes =
            "ip link set lo up && ip route add unreachable 198.51.100.2 && ip route add prohibit 198.51.100.3 "
            + "&& ip route add blackhole 198.51.100.4 && exec \"$0\" \"$@\""
        let first = try RunningProgram(
            1,
            key: key,
            seeds: hopeless,
            through: ["unshare", "--net", "sh", "-c", routes]
        )
        let address = try await first.wait(for: "listening ")
        let network = ["nsenter", "--net=/proc/\(first.id)/ns/net"]
        let second = try RunningProgram(2, key: key, seeds: hopeless + [address], through: network)
        try await first.wait(for: "joined 2")
        try await second.wait(for: "joined 1")
        // By then a missing seed has been tried again, at every place in the list.
        let third = try RunningProgram(3, key: key, seeds: [address], through: network)
        try await third.wait(for: "joined 2")
        third.signal(SIGKILL)
        for peer in [first, second] { try await peer.wait(for: "failed 3") }
        for peer in [first, second] {
            peer.signal(SIGTERM)
            let end = try await peer.end()
            #expect(end.status == 0 && end.lines.filter { $0.hasPrefix("failed ") } == ["failed 3"], "\(end.lines)")
        }
    }
}
