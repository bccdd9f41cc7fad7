internal import Glibc
internal import OwnThread
internal import SystemErrors
internal import Testing

@testable import PacketIO

@Suite(.timeLimit(.minutes(3)), .ownThread) struct PacketSocketTests {
    static let loopbacks = [InternetHost.loopbackIPv4, .loopbackIPv6]
    /// Bytes of all datagrams, and of each.
    static let shapes = [
        (1_000, 1_000), (64_000, 1_000), (63_001, 1_000), (62_001, 1_472), (62_804, 8_972), (49_152, 16_384), (64, 1),
        (5, 2), (32_000, 32_000), (60_000, 32_000), (65_000, 64_999),
    ]

    private static func option(_ socket: borrowing PacketSocket, _ level: Int32, _ option: Int32) -> Int32 {
        SystemCall.getOption(socket.raw, level, option).1
    }

    // MARK: Runs

    @Test(arguments: loopbacks, shapes)
    func `datagrams of a run arrive in order with their lengths, in one message or each in its own`(
        host: InternetHost,
        shape: (bytes: Int, segment: Int)
    ) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0))
        let bytes = Arrival.pattern(shape.bytes)
        let expected = Arrival.cut(bytes, shape.segment)
        for sendsRuns in [true, false] {
            sender.sendsRuns = sendsRuns
            #expect(sender.send(bytes, segment: shape.segment, to: receiver.address) == .all(expected.count))
            let arrivals = try Arrival.collect(expected.count, at: receiver)
            #expect(arrivals.map(\.bytes) == expected)
            #expect(arrivals.allSatisfy { $0.source == sender.address && $0.local == host })
            // Two that do not fit one packet together cannot leave together.
            let together = sendsRuns && shape.bytes <= 65_487
            #expect(arrivals.last?.run == (together ? 0 : expected.count - 1))
            #expect(sender.sendsRuns == sendsRuns)
        }
    }

    @Test(arguments: loopbacks)
    func `more than the kernel takes at once leaves in several runs`(host: InternetHost) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0))
        for (count, segment, runs) in [(200_000, 1_472, 4), (20_010, 100, 4), (100_001, 40_000, 2)] {
            let bytes = Arrival.pattern(count)
            let expected = Arrival.cut(bytes, segment)
            #expect(sender.send(bytes, segment: segment, to: receiver.address) == .all(expected.count))
            let arrivals = try Arrival.collect(expected.count, at: receiver)
            #expect(arrivals.map(\.bytes) == expected)
            #expect(arrivals.last?.run == runs - 1)
        }
    }

    @Test(arguments: loopbacks)
    func `datagrams leave one by one after the kernel has refused a run`(host: InternetHost) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0))
        // The kernel segments nothing on a socket that sends no checksums (UDP_NO_CHECK6_TX is 101).
        let (level, option) = host.isIPv4 ? (SOL_SOCKET, SO_NO_CHECK) : (Int32(IPPROTO_UDP), 101)
        #expect(SystemCall.setOption(sender.raw, level, option, Int32(1)) == 0)
        // IPv6 takes none without a checksum unless asked (UDP_NO_CHECK6_RX is 102).
        if !host.isIPv4 { #expect(SystemCall.setOption(receiver.raw, level, 102, Int32(1)) == 0) }
        let bytes = Arrival.pattern(200_000)
        let expected = Arrival.cut(bytes, 1_472)
        #expect(sender.send(bytes, segment: 1_472, to: receiver.address) == .all(expected.count))
        #expect(sender.sendsRuns == false)
        let arrivals = try Arrival.collect(expected.count, at: receiver)
        #expect(arrivals.map(\.bytes) == expected)
        #expect(arrivals.last?.run == expected.count - 1)
    }

    @Test(arguments: loopbacks)
    func `an empty datagram is sent and received, also before and after others`(host: InternetHost) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0))
        for segment in [0, 1, 1_472] {
            #expect(sender.send([], segment: segment, to: receiver.address) == .all(1))
            #expect(sender.send([1, 2, 3], segment: 2, to: receiver.address) == .all(2))
            #expect(sender.send([], to: receiver.address) == .all(1))
            let arrivals = try Arrival.collect(4, at: receiver)
            #expect(arrivals.map(\.bytes) == [[], [1, 2], [3], []])
        }
    }

    // MARK: Addresses

    @Test func `the address that a datagram was sent to is reported, and an answer comes from it`() throws {
        var client = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var server = try PacketSocket(InternetAddress(.anyIPv4, port: 0))
        let other = try #require(InternetHost("127.3.4.5"))
        let bytes = Arrival.pattern(3_000)
        for sendsRuns in [true, false] {
            server.sendsRuns = sendsRuns
            #expect(client.send([1], to: InternetAddress(other, port: server.address.port)) == .all(1))
            let question = try #require(try Arrival.collect(1, at: server).first)
            #expect(question.local == other && question.source == client.address)
            #expect(server.send(bytes, segment: 1_000, to: client.address, from: other) == .all(3))
            let answers = try Arrival.collect(3, at: client)
            #expect(
                answers.map(\.source) == .init(repeating: InternetAddress(other, port: server.address.port), count: 3)
            )
        }
    }

    @Test func `the same with IPv6, whose socket takes nothing of IPv4`() throws {
        var client = try PacketSocket(InternetAddress(.loopbackIPv6, port: 0))
        var server = try PacketSocket(InternetAddress(.anyIPv6, port: 0))
        // The port is free for IPv4.
        var other = try PacketSocket(InternetAddress(.anyIPv4, port: server.address.port))
        #expect(client.send([1], to: InternetAddress(.loopbackIPv6, port: server.address.port)) == .all(1))
        #expect(other.send([2], to: InternetAddress(.loopbackIPv4, port: server.address.port)) == .all(1))
        let question = try Arrival.collect(1, at: server)
        #expect(question.map(\.bytes) == [[1]] && question.first?.local == .loopbackIPv6)
        #expect(try Arrival.collect(1, at: other).map(\.bytes) == [[2]])
        #expect(server.send([3], to: client.address, from: .loopbackIPv6) == .all(1))
        #expect(try Arrival.collect(1, at: client).map(\.bytes) == [[3]])
    }

    // MARK: What cannot be sent

    @Test(arguments: loopbacks)
    func `a datagram that no packet can hold is too large, and those before it went`(host: InternetHost) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0))
        // The loopback device's MTU is 65 536.
        let longest = host.isIPv4 ? 65_507 : 65_488
        #expect(sender.send(Arrival.pattern(longest), to: receiver.address) == .all(1))
        #expect(sender.send(Arrival.pattern(longest + 1), to: receiver.address) == .none(.tooLarge))
        #expect(sender.send(Arrival.pattern(1 << 20), segment: 1 << 17, to: receiver.address) == .none(.tooLarge))
        #expect(sender.sendsRuns == true)
        #expect(try Arrival.collect(1, at: receiver).map(\.bytes.count) == [longest])
    }

    @Test(arguments: loopbacks)
    func `what an address forbids is reported, and runs are still sent as one message`(host: InternetHost) throws {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let address = sender.address
        let foreign = try #require(InternetHost(host.isIPv4 ? "192.0.2.1" : "2001:db8::1"))
        let otherFamily = InternetAddress(host.isIPv4 ? .loopbackIPv6 : .loopbackIPv4, port: address.port)
        let bytes = Arrival.pattern(3_000)
        for segment in [1_000, 3_000] {
            let result = sender.send(bytes, segment: segment, to: address, from: foreign)
            #expect(result == .none(host.isIPv4 ? .unreachable : .invalidAddress))
            #expect(sender.send(bytes, segment: segment, to: InternetAddress(host, port: 0)) == .none(.invalidAddress))
            #expect(sender.send(bytes, segment: segment, to: otherFamily) == .none(.invalidAddress))
            #expect(
                sender.send(bytes, segment: segment, to: address, from: otherFamily.host) == .none(.invalidAddress)
            )
        }
        #expect(sender.sendsRuns == true)
        let broadcast = try #require(InternetAddress("127.255.255.255:9"))
        if host.isIPv4 { #expect(sender.send(bytes, segment: 1_000, to: broadcast) == .none(.notPermitted)) }
    }

    @Test(arguments: loopbacks)
    func `a connected socket learns that nothing listens`(host: InternetHost) throws {
        let free = try PacketSocket(InternetAddress(host, port: 0)).address
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        #expect(SystemCall.connect(sender.raw, free) == 0)
        #expect(sender.send([1], to: free) == .all(1))
        #expect(sender.send([1], to: free) == .none(.refused))
        // The same when it receives, which is no failure of the socket.
        #expect(sender.send([1], to: free) == .all(1))
        var buffers = try ReceiveBuffers(capacity: 1)
        #expect(try sender.receive(into: &buffers) == 0)
        #expect(sender.send([1], to: free) == .all(1))
    }

    @Test func `errno by errno`() {
        let expected: [(Int32, SendResult.Obstacle)] = [
            (EAGAIN, .wouldBlock), (ENOBUFS, .wouldBlock), (EMSGSIZE, .tooLarge), (ECONNREFUSED, .refused),
            (ENETUNREACH, .unreachable), (EHOSTUNREACH, .unreachable), (ENETDOWN, .unreachable), (EPERM, .notPermitted),
            (EACCES, .notPermitted), (EINVAL, .invalidAddress), (EADDRNOTAVAIL, .invalidAddress), (EIO, .failed(EIO)),
        ]
        for (code, obstacle) in expected { #expect(SendResult.Obstacle(code) == obstacle) }
    }

    // MARK: The socket

    @Test(arguments: loopbacks)
    func `the socket has the options that it promises`(host: InternetHost) throws {
        let socket = try PacketSocket(InternetAddress(host, port: 0))
        #expect(socket.address.host == host && socket.address.port != 0 && socket.isIPv6 == !host.isIPv4)
        #expect(fcntl(socket.raw, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(socket.raw, F_GETFL) & O_NONBLOCK != 0)
        #expect(socket.receivesRuns == true)
        let probe: Int32 = 3  // IP_PMTUDISC_PROBE and IPV6_PMTUDISC_PROBE
        if host.isIPv4 {
            #expect(Self.option(socket, Int32(IPPROTO_IP), IP_MTU_DISCOVER) == probe)
            #expect(Self.option(socket, Int32(IPPROTO_IP), IP_RECVERR) == 0)
        } else {
            #expect(Self.option(socket, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER) == probe)
            #expect(Self.option(socket, Int32(IPPROTO_IPV6), IPV6_DONTFRAG) == 1)
            #expect(Self.option(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 1)
            #expect(Self.option(socket, Int32(IPPROTO_IPV6), IPV6_RECVERR) == 0)
        }
    }

    @Test func `the buffers are as large as the kernel grants, and it says how large`() throws {
        let usual = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let small = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0), buffer: 10_000)
        #expect(small.receiveBuffer == 20_000 && small.sendBuffer == 20_000)
        #expect(usual.receiveBuffer == Self.option(usual, SOL_SOCKET, SO_RCVBUF))
        #expect(usual.receiveBuffer > small.receiveBuffer && usual.sendBuffer > small.sendBuffer)
        // Beyond the limit of the system, as root may.
        let large = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0), buffer: 64 << 20)
        if geteuid() == 0 { #expect(large.receiveBuffer == 128 << 20 && large.sendBuffer == 128 << 20) }
    }

    @Test func `an address in use is an error that names it`() throws {
        let first = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let address = first.address
        let error = #expect(throws: SystemError.self) { _ = try PacketSocket(address) }
        #expect(error == SystemError(call: "bind", subject: address.description, code: EADDRINUSE))
    }

    @Test(arguments: loopbacks)
    func `a full receive buffer drops datagrams, and those that fit and come later are whole`(host: InternetHost) throws
    {
        var sender = try PacketSocket(InternetAddress(host, port: 0))
        let receiver = try PacketSocket(InternetAddress(host, port: 0), buffer: 65_536)
        #expect(receiver.kernelDrops == 0)
        let packet = Arrival.pattern(1_000)
        for _ in 0..<500 { #expect(sender.send(packet, to: receiver.address) == .all(1)) }
        let drops = Int(receiver.kernelDrops)
        #expect(drops > 100 && drops < 500)
        let arrivals = try Arrival.collect(500 - drops, at: receiver)
        #expect(arrivals.map(\.bytes) == .init(repeating: packet, count: 500 - drops))
        #expect(sender.send([9], to: receiver.address) == .all(1))
        #expect(try Arrival.collect(1, at: receiver).map(\.bytes) == [[9]])
    }

    @Test(
        arguments: [(["1000", "0"], 0), (["1000", "0", "waste"], 1), (["1000", "1000", "waste"], 0)]
            as [([String], Int32)]
    )
    func `neither sending nor receiving nor waiting allocates`(arguments: [String], status: Int32) throws {
        #expect(try Program.run("PacketAllocations", arguments) == status)
    }
}
