internal import Glibc
internal import Synchronization
internal import SystemErrors
internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct StreamPrefaceTests {
    private static let golden: [UInt8] =
        [0x50, 0x50, 0x54, 0x31, 1, 7, 0, 0] + [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

    @Test func `a stream preface is written and read as the table says`() throws {
        let token = try #require(AccessToken(hex: "000102030405060708090a0b0c0d0e0f"))
        let preface = StreamPreface(direction: .down, index: 7, token: token)
        #expect(preface.bytes == Self.golden)
        #expect(StreamPreface(Self.golden) == preface)
    }

    @Test func `every truncation and a byte more are refused`() {
        for length in 0..<24 { #expect(StreamPreface(Self.golden.prefix(length)) == nil) }
        #expect(StreamPreface(Self.golden + [0]) == nil)
    }

    @Test func `a wrong magic, direction or reserved byte is refused`() {
        for index in [0, 1, 2, 3, 6, 7] {
            var bytes = Self.golden
            bytes[index] ^= 0x80
            #expect(StreamPreface(bytes) == nil)
        }
        var bytes = Self.golden
        bytes[4] = 2
        #expect(StreamPreface(bytes) == nil)
    }
}

@Suite(.timeLimit(.minutes(3))) struct StreamAcceptorTests {
    private static let token = AccessToken(high: 3, low: 4)

    private struct Admitted: Sendable {
        let preface: StreamPreface
        let firstBytes: [UInt8]
        let slot: StreamSlot
    }

    private func acceptor(
        peer: InternetHost = .loopbackIPv4,
        port: UInt16 = 0,
        streams: Int = 2,
        prefaceTime: Int64 = 60_000_000_000
    ) throws -> (StreamAcceptor, AsyncStream<Admitted>.Iterator) {
        let (stream, continuation) = AsyncStream<Admitted>.makeStream()
        let permit = StreamPermit(token: Self.token, peer: peer, directions: [.up], streams: streams)
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: port))
        let acceptor = try StreamAcceptor(listener, permit: permit, prefaceTime: prefaceTime) {
            socket,
            preface,
            slot in
            continuation.yield(Admitted(preface: preface, firstBytes: socket.receive(blocking: false), slot: slot))
        }
        return (acceptor, stream.makeAsyncIterator())
    }

    private func open(_ acceptor: StreamAcceptor, _ bytes: [UInt8]) throws -> SocketDescriptor {
        let socket = try Socket.connectTCP(acceptor.address)
        if !bytes.isEmpty { socket.send(bytes) }
        return socket
    }

    private func preface(_ index: UInt8 = 0, token: AccessToken = StreamAcceptorTests.token) -> StreamPreface {
        StreamPreface(direction: .up, index: index, token: token)
    }

    @Test func `a preface is taken and the bytes after it are the stream's`() async throws {
        var (acceptor, admitted) = try self.acceptor()
        defer { acceptor.shutdown() }
        let socket = try self.open(acceptor, self.preface(1).bytes + [9, 8, 7])
        let stream = try #require(await admitted.next())
        #expect(stream.preface == self.preface(1) && stream.firstBytes == [9, 8, 7])
        #expect(acceptor.counters.admitted == 1)
        _ = socket.raw
    }

    @Test func `a preface in pieces is taken when it is whole`() async throws {
        var (acceptor, admitted) = try self.acceptor()
        defer { acceptor.shutdown() }
        let bytes = self.preface().bytes
        let socket = try self.open(acceptor, Array(bytes.prefix(1)))
        for byte in bytes.dropFirst() {
            try socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
            socket.send([byte])
        }
        #expect(try #require(await admitted.next()).preface == self.preface())
    }

    @Test func `what is not granted is closed and counted`() async throws {
        var (acceptor, admitted) = try self.acceptor()
        defer { acceptor.shutdown() }
        let first = try self.open(acceptor, self.preface(0).bytes)
        _ = await admitted.next()
        let down = StreamPreface(direction: .down, index: 1, token: Self.token)
        for bytes in [
            self.preface(0).bytes, self.preface(2).bytes, self.preface(1, token: .random()).bytes, down.bytes,
            [UInt8](repeating: 0, count: 24),
        ] {
            let socket = try self.open(acceptor, bytes)
            #expect(socket.receive().isEmpty)
        }
        #expect(acceptor.counters.refused == 5 && acceptor.counters.admitted == 1)
        _ = first.raw
    }

    @Test func `a stream that ended early is opened again but not without end`() async throws {
        var (acceptor, admitted) = try self.acceptor()
        defer { acceptor.shutdown() }
        for opening in 1...OpenedStreams.maximumOpenings {
            let socket = try self.open(acceptor, self.preface().bytes)
            let stream = try #require(await admitted.next())
            #expect(acceptor.counters.admitted == opening)
            stream.slot.release()
            _ = socket.raw
        }
        let socket = try self.open(acceptor, self.preface().bytes)
        #expect(socket.receive().isEmpty)
        #expect(acceptor.counters.refused == 1)
    }

    @Test func `another address is closed, whatever it sends`() throws {
        let (acceptor, _) = try self.acceptor(peer: InternetHost(ipv4: 0x7F00_0009))
        defer { acceptor.shutdown() }
        let socket = try Socket.connectTCP(acceptor.address)
        #expect(socket.receive().isEmpty)
        #expect(acceptor.counters.wrongAddress == 1)
    }

    @Test func `a connection that leaves early is counted, and one that stalls gives way to the owner`() async throws {
        var (acceptor, admitted) = try self.acceptor()
        defer { acceptor.shutdown() }
        var stalled: [Int32] = []
        defer { for raw in stalled { _ = close(raw) } }
        for _ in 0..<StreamAcceptor.maximumPending { stalled.append(try self.open(acceptor, [0x50]).release()) }
        let owner = try self.open(acceptor, self.preface().bytes)
        #expect(try #require(await admitted.next()).preface == self.preface())
        #expect(acceptor.counters.incomplete >= 1)
        _ = owner.raw
    }

    @Test func `a connection that sends nothing in time is closed`() throws {
        let (acceptor, _) = try self.acceptor(prefaceTime: 1_000_000)
        defer { acceptor.shutdown() }
        let socket = try self.open(acceptor, [])
        #expect(socket.receive().isEmpty)
        #expect(acceptor.counters.incomplete == 1)
    }

    @Test func `shutdown closes the port and what waits`() throws {
        let (acceptor, _) = try self.acceptor(port: ReservedPort.next())
        let waiting = try self.open(acceptor, [0x50])
        #expect(acceptor.shutdown() == nil)
        #expect(acceptor.shutdown() == nil)
        #expect(waiting.receive().isEmpty)
        #expect(throws: SystemError.self) { _ = try Socket.connectTCP(acceptor.address) }
    }
}

@Suite struct PortRangeTests {
    /// An unused port, and a socket that has it.
    private func taken() throws -> (UInt16, SocketHolder) {
        let port = try ReservedPort.next()
        return (port, SocketHolder(try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: port))))
    }

    @Test func `a busy port is skipped, and an error says that all are busy`() throws {
        let (port, holder) = try self.taken()
        #expect {
            _ = try Socket.firstFreeTCP(on: .loopbackIPv4, ports: port...port)
        } throws: { error in
            guard let error = error as? PortRangeError else { return false }
            return error.cause == nil && error.message.contains("all ports \(port)-\(port) on 127.0.0.1 are busy")
        }
        if port < .max, let next = try? Socket.firstFreeTCP(on: .loopbackIPv4, ports: port...UInt16.max) {
            #expect(try next.localAddress().port > port)
        }
        holder.close()
        #expect(try onceFree { try Socket.freePort(on: .loopbackIPv4, ports: port...port) } == port)
    }

    @Test func `UDP ports are separate from TCP ports`() throws {
        let port = try ReservedPort.next()
        let taken = try Socket.bindUDP(InternetAddress(.loopbackIPv4, port: port))
        #expect(throws: PortRangeError.self) { _ = try Socket.firstFreeUDP(on: .loopbackIPv4, ports: port...port) }
        #expect(try taken.localAddress().port == port)
    }

    @Test func `a port that is taken for UDP alone is not free for a program that listens with both`() throws {
        let port = try ReservedPort.next()
        let taken = try Socket.bindUDP(InternetAddress(.loopbackIPv4, port: port))
        _ = try Socket.firstFreeTCP(on: .loopbackIPv4, ports: port...port)
        #expect(throws: PortRangeError.self) { _ = try Socket.freePort(on: .loopbackIPv4, ports: port...port) }
        #expect(try taken.localAddress().port == port)
    }

    @Test func `an address that is not ours is not called busy`() {
        #expect {
            _ = try Socket.firstFreeTCP(on: InternetHost(ipv4: 0xC000_0201), ports: 5201...5299)
        } throws: { error in
            (error as? PortRangeError)?.cause?.code == EADDRNOTAVAIL
        }
    }

    @Test func `a closed port is refused with a remedy`() throws {
        let (port, holder) = try self.taken()
        holder.close()
        #expect {
            _ = try Socket.connectTCP(InternetAddress(.loopbackIPv4, port: port))
        } throws: { error in
            (error as? SystemError)?.code == ECONNREFUSED && "\(error)".contains("nothing listens there")
        }
    }
}

private final class SocketHolder {
    private var socket: SocketDescriptor?

    init(_ socket: consuming SocketDescriptor) {
        self.socket = consume socket
    }

    func close() {
        self.socket = nil
    }
}
