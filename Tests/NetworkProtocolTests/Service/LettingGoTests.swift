internal import Foundation
internal import Glibc
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import PrometheusMetrics
internal import Testing

@testable import NetworkProtocol

/// Connections that nothing uses or waits for leave nothing behind.
@Suite("Releasing clients and pools", .timeLimit(.minutes(2)))
struct LettingGoTests {
    @Test(arguments: TestTransport.allCases)
    func `releasing a client closes its connection, after what it sent was written`(_ transport: TestTransport)
        async throws
    {
        let received = AsyncStream.makeStream(of: Int.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onData { bytes, _ in
            received.continuation.yield(bytes.count)
            return nil
        }
        try await TestDaemon.with(transport, dispatcher) { daemon in
            try await daemon.connect(transport).send(.data([UInt8](repeating: 1, count: 4 << 20)))
            let ending = await daemon.nextEnding()
            #expect(ending == .closedByPeer)
            for await count in received.stream {
                #expect(count == 4 << 20)
                break
            }
        }
    }

    @Test func `releasing a client keeps its connection while something else refers to it`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let connection = try await daemon.connect(.sealedTCP).connection()
            for _ in 0..<3 {
                let reply = try await connection.request("reverse", [1, 2])
                #expect(reply == [2, 1])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(daemon.daemon.openConnections.count == 1)
            await connection.close()
        }
    }

    @Test func `releasing a client that is connecting again ends that`() async throws {
        let server = try await PlainServer.start()
        var options = ClientOptions()
        options.reconnect = .init(attempts: .max, delay: .milliseconds(1), maximumDelay: .milliseconds(1))
        weak var weakClient: Client?
        do {
            let client = try await Client.connect(
                to: .insecurePlaintextTCP(host: "127.0.0.1", port: server.port),
                options: options,
                logger: TestDaemon.silent
            )
            weakClient = client
            let peer = try await server.accept()
            let connection = try await client.connection()
            await server.close()
            await peer.close()
            _ = try? await connection.channel.closeFuture.get()
        }
        // If nothing listens there, it would try forever.
        while weakClient != nil { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func `releasing an attempt whose TCP is not answered ends it at once`() async throws {
        let deaf = try DeafListener()
        var options = ClientOptions()
        options.connectTimeout = .seconds(3_600)
        let destination = Destination.insecurePlaintextTCP(host: "127.0.0.1", port: deaf.port)
        let connecting = Task {
            _ = try await Client.connect(to: destination, options: options, logger: TestDaemon.silent)
        }
        try await Task.sleep(for: .milliseconds(200))
        connecting.cancel()
        await #expect(throws: ConnectionError.cancelled) { try await connecting.value }
    }

    @Test func `releasing an attempt whose handshake is not answered ends it and its connection at once`() async throws
    {
        let server = try await PlainServer.start()
        let ends = try TestEnds()
        defer { ends.remove() }
        var options = ClientOptions()
        options.connection.handshakeTimeout = .seconds(3_600)
        let scraped = PrometheusRegistry()
        options.connection.metricsFactory = scraped
        let destination = ends.destination(.sealedTCP, port: server.port)
        let connecting = Task {
            _ = try await Client.connect(to: destination, options: options, logger: TestDaemon.silent)
        }
        let peer = try await server.accept()
        // Its opening: the handshake has started on that side, too.
        for await _ in peer.packets() { break }
        connecting.cancel()
        await #expect(throws: ConnectionError.cancelled) { try await connecting.value }
        await peer.closed()
        await server.close()
        let series = "network_protocol_handshakes_total{reason=\"cancelled\",result=\"failure\",role=\"client\"} 1"
        while !scraped.text().contains(series) { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func `releasing a pool whose connections are not answered ends its attempts`() async throws {
        let deaf = try DeafListener()
        var options = ConnectionPoolOptions()
        options.client.connectTimeout = .seconds(3_600)
        options.acquireTimeout = .seconds(3_600)
        let pool = ConnectionPool(
            to: .insecurePlaintextTCP(host: "127.0.0.1", port: deaf.port),
            options: options,
            logger: TestDaemon.silent
        )
        let asking = Task { try await pool.request("never") }
        while pool.waiterCount == 0 { try await Task.sleep(for: .milliseconds(1)) }
        await pool.close()
        await #expect(throws: ConnectionError.closed) { try await asking.value }
    }
}

/// A port where no connection is completed: its queue is full, and no process takes connections out of it.
private final class DeafListener {
    let port: Int
    private var descriptors: [Int32]

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        descriptors = [listener]
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try #require(bind(listener, pointer, length) == 0)
                try #require(listen(listener, 0) == 0)
                try #require(getsockname(listener, pointer, &length) == 0)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        // One slot more than the queue has, and some.
        for _ in 0..<4 {
            let client = socket(
                AF_INET,
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
                0
            )
            descriptors.append(client)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, length) }
            }
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
