internal import CLinux
internal import Glibc
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct RelayFlowsTests {
    private static let hello = 4

    private func address(_ text: String) throws -> InternetAddress { try #require(InternetAddress(text)) }

    private func flows(_ count: Int, _ directions: Set<StreamPreface.Direction> = [.up]) -> RelayFlows<Int> {
        RelayFlows(RelayPermit(peer: .loopbackIPv4, flows: count, directions: directions))
    }

    @Test func `only a hello of the peer opens a flow`() throws {
        let flows = self.flows(1)
        #expect(flows.judge(try address("127.0.0.2:9"), length: Self.hello) == .stranger)
        #expect(flows.judge(nil, length: Self.hello) == .stranger)
        for length in [0, 3, 5, 1448] {
            #expect(flows.judge(try address("127.0.0.1:9"), length: length) == .refused)
        }
        #expect(flows.judge(try address("127.0.0.1:9"), length: Self.hello) == .open)
    }

    @Test func `an answered flow keeps its slot until its service is gone`() throws {
        var flows = self.flows(1)
        let (first, second) = (try address("127.0.0.1:9"), try address("127.0.0.1:10"))
        flows.open(first, 1)
        flows.answered(flows.flows[0].id)
        #expect(flows.judge(first, length: 1448) == .forward(0))
        #expect(flows.judge(second, length: Self.hello) == .refused)
        flows.close(flows.flows[0].id)
        #expect(flows.judge(first, length: 1448) == .refused)
        #expect(flows.judge(second, length: Self.hello) == .open)
    }

    @Test func `hellos that get no answer keep no slot`() throws {
        var flows = self.flows(2)
        flows.open(try address("127.0.0.1:1"), 1)
        flows.answered(flows.flows[0].id)
        for port in 2..<200 {
            let source = try address("127.0.0.1:\(port)")
            #expect(flows.judge(source, length: Self.hello) == .open)
            flows.open(source, port)
            #expect(flows.flows.map(\.connection) == [1, port])
        }
    }

    @Test func `a direction that was not granted carries the hello alone`() throws {
        var flows = self.flows(1, [.down])
        let source = try address("127.0.0.1:9")
        flows.open(source, 1)
        #expect(flows.judge(source, length: Self.hello) == .forward(0))
        #expect(flows.judge(source, length: 5) == .refused)
        #expect(flows.permit.passes(.down, length: 1448))
        #expect(!RelayPermit(peer: .loopbackIPv4, flows: 1, directions: [.up]).passes(.down, length: 5))
    }
}

@Suite(.timeLimit(.minutes(3))) struct DatagramRelayTests {
    private final class Counted: Sendable {
        let bytes = Mutex<[StreamPreface.Direction: Int]>([:])
        let refused = Mutex(0)
        let limit: Int

        func spend(_ count: Int) -> Bool {
            self.refused.withLock { refused in
                refused += count
                return refused <= self.limit
            }
        }

        init(limit: Int = .max) { self.limit = limit }

        func take(_ count: Int, _ direction: StreamPreface.Direction) -> Bool {
            self.bytes.withLock { bytes in
                bytes[direction, default: 0] += count
                return bytes.values.reduce(0, +) <= self.limit
            }
        }
    }

    private func relay(
        _ service: borrowing SocketDescriptor,
        on host: InternetHost = .loopbackIPv4,
        port: UInt16 = 0,
        flows: Int = 2,
        directions: Set<StreamPreface.Direction> = [.up, .down],
        counted: Counted = Counted()
    ) throws -> DatagramRelay {
        try DatagramRelay(
            Socket.bindUDP(InternetAddress(host, port: port)),
            to: service.localAddress(),
            permit: RelayPermit(peer: host, flows: flows, directions: directions),
            count: counted.take,
            refuse: counted.spend
        )
    }

    private func service() throws -> SocketDescriptor { try Socket.bindUDP(InternetAddress(.loopbackIPv4, port: 0)) }

    /// A hello through the relay, answered by the service; where the relay sends from.
    private func shakeHands(
        _ client: borrowing SocketDescriptor,
        _ service: borrowing SocketDescriptor
    ) throws -> InternetAddress {
        client.send(Array("9876".utf8))
        let (hello, source) = service.receiveFrom()
        #expect(hello == Array("9876".utf8))
        service.send(Array("6789".utf8), to: try #require(source))
        #expect(client.receive(blocking: true) == Array("6789".utf8))
        return try #require(source)
    }

    @Test(arguments: [InternetHost.loopbackIPv4, .loopbackIPv6])
    func `each source has its own way there and back`(host: InternetHost) throws {
        let service = try self.service()
        let counted = Counted()
        let relay = try self.relay(service, on: host, counted: counted)
        defer { relay.shutdown() }
        let one = try Socket.connectUDP(relay.address)
        let other = try Socket.connectUDP(relay.address)
        let first = try self.shakeHands(one, service)
        let second = try self.shakeHands(other, service)
        #expect(first != second)
        one.send([1, 2, 3, 4, 5])
        #expect(service.receiveFrom().1 == first)
        service.send([9, 9, 9, 9, 9, 9], to: second)
        #expect(other.receive(blocking: true).count == 6)
        #expect(one.receive(blocking: false).isEmpty)
        #expect(counted.bytes.withLock { $0 } == [.up: 13, .down: 14])
    }

    @Test func `strangers, more sources, and data without a hello reach nothing`() throws {
        let service = try self.service()
        let counted = Counted()
        let relay = try self.relay(service, flows: 1, counted: counted)
        defer { relay.shutdown() }
        let stranger = try Socket.connectUDP(relay.address, from: InternetHost("127.0.0.9"))
        stranger.send(Array("9876".utf8))
        let client = try Socket.connectUDP(relay.address)
        client.send([UInt8](repeating: 0, count: 1448))
        _ = try self.shakeHands(client, service)
        let another = try Socket.connectUDP(relay.address)
        another.send(Array("9876".utf8))
        // What comes behind them shows that they were looked at.
        client.send([7])
        #expect(service.receiveFrom().0 == [7])
        #expect(relay.counters == RelayCounters(strangers: 1, refused: 2))
        #expect(stranger.receive(blocking: false).isEmpty)
        #expect(another.receive(blocking: false).isEmpty)
        #expect(counted.bytes.withLock { $0 } == [.up: 5, .down: 4])
        // The stranger's datagram is not the test's; what the peer's address sent besides is, with its headers.
        #expect(counted.refused.withLock { $0 } == 1448 + 4 + 2 * UDPLength.headers)
    }

    @Test func `nothing goes out in a direction that was not granted`() throws {
        let service = try self.service()
        let relay = try self.relay(service, directions: [.up])
        defer { relay.shutdown() }
        let client = try Socket.connectUDP(relay.address)
        let back = try self.shakeHands(client, service)
        service.send([UInt8](repeating: 0, count: 1448), to: back)
        service.send([1], to: back)
        #expect(client.receive(blocking: true) == [1])
    }

    @Test func `a burst of many lengths arrives whole and in order`() throws {
        let service = try self.service()
        let relay = try self.relay(service)
        defer { relay.shutdown() }
        let client = try Socket.connectUDP(relay.address)
        _ = try self.shakeHands(client, service)
        let lengths = (0..<60).map { (index: Int) -> Int in index % 7 < 4 ? 1448 : 100 + index }
        for (index, length) in lengths.enumerated() { client.send([UInt8](repeating: UInt8(index), count: length)) }
        for (index, length) in lengths.enumerated() {
            let expected = [UInt8](repeating: UInt8(index), count: length)
            #expect(service.receiveFrom().0 == expected)
        }
    }

    @Test(arguments: [StreamPreface.Direction.up, .down])
    func `the relay ends with its budget`(direction: StreamPreface.Direction) throws {
        let service = try self.service()
        let counted = Counted(limit: 1008)
        let relay = try self.relay(service, counted: counted)
        let client = try Socket.connectUDP(relay.address)
        let back = try self.shakeHands(client, service)
        let whole = [UInt8](repeating: 1, count: 1000)
        switch direction {
        case .up:
            client.send(whole)
            #expect(service.receiveFrom().0 == whole)
            client.send([2])
        case .down:
            service.send(whole, to: back)
            #expect(client.receive(blocking: true) == whole)
            service.send([2], to: back)
        }
        while counted.bytes.withLock({ $0[direction] }) != 1005 { sched_yield() }
        relay.shutdown()
        #expect(service.receive(blocking: false).isEmpty)
        #expect(client.receive(blocking: false).isEmpty)
    }

    @Test func `the relay ends when what it refuses has spent the budget`() throws {
        let service = try self.service()
        let counted = Counted(limit: 100_000)
        let relay = try self.relay(service, counted: counted)
        defer { relay.shutdown() }
        let client = try Socket.connectUDP(relay.address)
        let stranger = try Socket.connectUDP(relay.address, from: InternetHost("127.0.0.9"))
        let whole = [UInt8](repeating: 0, count: 1448)
        for _ in 0..<100 { stranger.send(whole) }
        while relay.counters.strangers < 100 { sched_yield() }
        #expect(counted.refused.withLock { $0 } == 0)
        var isOver: Bool { counted.refused.withLock { $0 } > counted.limit }
        for sent in 1...100 where !isOver {
            client.send(whole)
            while relay.counters.refused < sent, !isOver { sched_yield() }
        }
        #expect(counted.refused.withLock { $0 } > counted.limit)
    }

    @Test func `the end waits for no peer and frees the port`() throws {
        let service = try self.service()
        let relay = try self.relay(service, port: ReservedPort.next())
        let client = try Socket.connectUDP(relay.address)
        _ = try self.shakeHands(client, service)
        relay.shutdown()
        relay.shutdown()
        let again = try onceFree { try Socket.bindUDP(relay.address) }
        #expect(try again.localAddress() == relay.address)
    }
}

extension SocketDescriptor {
    /// Waits for a datagram; what it is and where it came from.
    fileprivate borrowing func receiveFrom() -> ([UInt8], InternetAddress?) {
        guard var batch = try? DatagramBatch(capacity: 1, datagramBytes: 65_536) else { return ([], nil) }
        #expect(batch.receive(self.raw, blocking: true) == 1)
        // The batch's first datagram is as long as was received.
        let datagram = unsafe batch.datagrams[0]
        let bytes = unsafe Array(UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length)))
        return (bytes, batch.source(0))
    }

    fileprivate borrowing func send(_ bytes: [UInt8], to address: InternetAddress) {
        let raw = self.raw
        // The array and the address live through the call.
        let sent = unsafe address.withSocketAddress { pointer, length in
            unsafe bytes.withUnsafeBytes { unsafe sendto(raw, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        #expect(sent == bytes.count)
    }
}
