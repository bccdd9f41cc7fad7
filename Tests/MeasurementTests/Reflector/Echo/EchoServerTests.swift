internal import Glibc
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite(.timeLimit(.minutes(3))) struct EchoServerTests {
    private static let token = AccessToken(high: 0xA, low: 0xB)

    private func server(
        _ bind: InternetHost = .loopbackIPv4,
        port: UInt16 = 0,
        peer: InternetHost = .loopbackIPv4,
        account: (any ByteAccount)? = nil
    ) throws -> EchoServer {
        let server = try EchoServer(binding: InternetAddress(bind, port: port))
        try server.admit(
            EchoPermit(token: Self.token, peer: .host(peer), maximumPacketsPerSecond: 1_000_000, account: account)
        )
        try server.start()
        return server
    }

    private func client(_ server: EchoServer, _ host: InternetHost = .loopbackIPv4) throws -> SocketDescriptor {
        try Socket.connectUDP(InternetAddress(host, port: server.port))
    }

    private func probe(_ sequence: UInt64, _ token: AccessToken = EchoServerTests.token) -> EchoDatagram {
        EchoDatagram(token: token, sequence: sequence, clientSend: 1)
    }

    @Test(arguments: [
        (InternetHost.loopbackIPv4, InternetHost.loopbackIPv4), (.loopbackIPv6, .loopbackIPv6),
        (.anyIPv4, .loopbackIPv4), (.anyIPv6, .loopbackIPv6), (.anyIPv6, .loopbackIPv4),
    ])
    func `a probe comes back from the address it was sent to`(bind: InternetHost, peer: InternetHost) throws {
        let server = try self.server(bind, peer: peer)
        defer { server.shutdown() }
        let client = try self.client(server, peer)
        let before = KernelClock.realtime
        client.send(self.probe(3).bytes(payload: [1, 2, 3]))
        let bytes = client.receive()
        let reply = try #require(EchoDatagram(bytes))
        #expect(reply.sequence == 3 && reply.clientSend == 1 && Array(bytes.suffix(3)) == [1, 2, 3])
        #expect(before <= reply.serverReceive && reply.serverReceive <= reply.serverSend)
        #expect(server.counters(Self.token)?.repliesSent == 1)
    }

    @Test func `a multihomed server answers from the address that was addressed`() throws {
        let server = try self.server(.anyIPv4)
        defer { server.shutdown() }
        // 127.0.0.2 is ours too; a reply from 127.0.0.1 would not reach this connected socket.
        let client = try Socket.connectUDP(
            InternetAddress(InternetHost(ipv4: 0x7F00_0002), port: server.port),
            from: .loopbackIPv4
        )
        client.send(self.probe(0).bytes())
        #expect(EchoDatagram(client.receive()) != nil)
    }

    @Test func `strangers get nothing back`() throws {
        let server = try self.server()
        defer { server.shutdown() }
        let stranger = try self.client(server)
        let owner = try self.client(server)
        let elsewhere = try Socket.connectUDP(
            InternetAddress(.loopbackIPv4, port: server.port),
            from: InternetHost(ipv4: 0x7F00_0003)
        )
        stranger.send(self.probe(0, AccessToken(high: 0xA, low: 0xC)).bytes())
        stranger.send(Array("hello".utf8))
        stranger.send([])
        stranger.send([UInt8](repeating: 1, count: EchoDatagram.maximumLength + 500))
        elsewhere.send(self.probe(0).bytes())
        // One thread answers in order: when the owner has its reply, the others would have theirs.
        owner.send(self.probe(1).bytes())
        #expect(EchoDatagram(owner.receive())?.sequence == 1)
        #expect(stranger.receive(blocking: false).isEmpty)
        #expect(elsewhere.receive(blocking: false).isEmpty)
        #expect(server.strangers.unknownToken == 1 && server.strangers.malformed == 3)
        #expect(server.counters(Self.token)?.wrongSource == 1)
    }

    @Test func `a burst is answered whole and of each length`() throws {
        let server = try self.server()
        defer { server.shutdown() }
        let client = try self.client(server)
        // All the replies may wait there.
        client.askBuffers(receive: EchoServer.bufferBytes)
        // Runs of equal length leave as segmented messages, and lengths change in the middle of batches.
        let lengths = (0..<200).map { $0 % 50 < 40 ? 0 : ($0 % 3) * 700 }
        for (index, length) in lengths.enumerated() {
            client.send(self.probe(UInt64(index)).bytes(payload: Array(repeating: UInt8(index), count: length)))
        }
        for (index, length) in lengths.enumerated() {
            let bytes = client.receive()
            #expect(bytes.count == 56 + length)
            #expect(EchoDatagram(bytes)?.sequence == UInt64(index))
            #expect(bytes.dropFirst(56).allSatisfy { $0 == UInt8(index) })
        }
        #expect(server.counters(Self.token)?.distinctSequences == 200)
    }

    @Test func `an account that was refilled is asked again`() throws {
        let account = FixedAccount(bytes: 112)
        let server = try self.server(account: account)
        defer { server.shutdown() }
        let client = try self.client(server)
        client.send(self.probe(0).bytes())
        #expect(EchoDatagram(client.receive())?.sequence == 0)
        client.send(self.probe(1).bytes())
        while !account.isSpent {}
        account.add(112)
        client.send(self.probe(2).bytes())
        #expect(EchoDatagram(client.receive())?.sequence == 2)
        let counters = try #require(server.revoke(Self.token))
        #expect(counters.repliesSent == 2 && counters.overBudget == 1)
    }

    @Test func `shutdown ends a thread that has nothing to do`() throws {
        let server = try self.server(port: ReservedPort.next())
        #expect(server.shutdown() == nil)
        #expect(server.shutdown() == nil)
        // The port is free again.
        _ = try onceFree { try Socket.bindUDP(server.address) }
        #expect(throws: Never.self) { try server.start() }
    }

    @Test func `a server without references gives its port back`() throws {
        let address = try self.server(port: ReservedPort.next()).address
        _ = try onceFree { try Socket.bindUDP(address) }
    }
}

extension SocketDescriptor {
    borrowing func send(_ bytes: [UInt8]) {
        let raw = self.raw
        let sent = unsafe bytes.withUnsafeBytes { unsafe SystemCall.send(raw, $0, flags: 0) }
        #expect(sent == bytes.count)
    }

    /// One datagram, or what a stream has; empty at the end, or when there is nothing and it does not block.
    borrowing func receive(blocking: Bool = true) -> [UInt8] {
        let raw = self.raw
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let flags = blocking ? 0 : Int32(MSG_DONTWAIT)
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe SystemCall.receive(raw, $0, flags: flags) }
        return Array(bytes.prefix(max(0, got)))
    }
}
