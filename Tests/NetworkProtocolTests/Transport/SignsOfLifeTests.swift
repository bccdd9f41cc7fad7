internal import NIOCore
internal import NIOPosix
internal import Testing

@testable import NetworkProtocol

/// Connections that are slow for a good reason, over real sockets.
@Suite("Signs of life", .timeLimit(.minutes(2)))
struct SignsOfLifeTests {
    /// How long the peer may be silent: 2 s, because a loaded machine lets threads wait.
    private static func hurry(_ options: inout ConnectionOptions) {
        options.heartbeatInterval = .milliseconds(500)
        options.missedHeartbeats = 4
    }

    @Test(arguments: TestTransport.allCases)
    func `a connection lives while its daemon reads nothing for want of handlers`(_ transport: TestTransport)
        async throws
    {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            try await Task.sleep(for: .seconds(5))
            return payload.reversed()
        }
        try await TestDaemon.with(
            transport,
            dispatcher,
            {
                $0.connection.channelCapacity = 1
                Self.hurry(&$0.connection)
            }
        ) { daemon in
            let client = try await daemon.connect(transport) { Self.hurry(&$0.connection) }
            let reply = try await client.request("slow", [1, 2])
            #expect(reply == [2, 1])
            // The answers to pings are still matched correctly.
            for _ in 0..<3 { _ = try await client.ping() }
            await client.close()
        }
    }

    @Test func `a connection lives while its daemon waits for its handlers to shut down`() async throws {
        let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            arrive.yield()
            try await Task.sleep(for: .seconds(5))
            return payload.reversed()
        }
        try await TestDaemon.with(.sealedTCP, dispatcher, { Self.hurry(&$0.connection) }) { daemon in
            let client = try await daemon.connect(.sealedTCP) { Self.hurry(&$0.connection) }
            let reply = Task { try await client.request("slow", [1, 2]) }
            for await _ in arrived { break }
            daemon.daemon.shutDown()
            #expect(try await reply.value == [2, 1])
            try await daemon.running.value
        }
    }

    @Test func `a connection lives while its client's program does not receive`() async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onData { _, context in
            for number in UInt8(0)..<20 { try await context.connection.send(.data([number])) }
            return nil
        }
        try await TestDaemon.with(.sealedTCP, dispatcher, { Self.hurry(&$0.connection) }) { daemon in
            let client = try await daemon.connect(.sealedTCP) {
                $0.connection.channelCapacity = 1
                Self.hurry(&$0.connection)
            }
            try await client.send(.data([]))
            try await Task.sleep(for: .seconds(5))
            for number in UInt8(0)..<20 {
                let message = try await client.receive()
                #expect(message == .data([number]))
            }
            _ = try await client.ping()
            await client.close()
        }
    }

    @Test(arguments: [TestTransport.unix])
    func `a connection lives while its peer takes a long message slowly`(_ transport: TestTransport) async throws {
        let payload = [UInt8](repeating: 1, count: 15 << 20)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("long") { _, _ in payload }
        try await TestDaemon.with(transport, dispatcher, { Self.hurry(&$0.connection) }) { daemon in
            try await Self.expectTaken(
                daemon,
                transport,
                [.request(id: 1, command: "long", payload: [])],
                payload.count
            )
        }
    }

    @Test func `a connection lives while its peer takes less than handlers answer`() async throws {
        let payload = [UInt8](repeating: 1, count: 1 << 20)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("long") { after, _ in
            try await Task.sleep(for: .milliseconds(100 * Int(after[0])))
            return [UInt8](repeating: 1, count: after[0] == 0 ? 4 << 20 : 1 << 20)
        }
        try await TestDaemon.with(
            .unix,
            dispatcher,
            {
                $0.connection.heartbeatInterval = .milliseconds(100)
                $0.connection.missedHeartbeats = 1_000
                $0.connection.stallTimeout = .seconds(2)
            }
        ) { daemon in
            let requests = (UInt8(0)..<15).map { Message.request(id: UInt64($0) + 1, command: "long", payload: [$0]) }
            try await Self.expectTaken(daemon, .unix, requests, 18 * payload.count)
        }
    }

    /// Sends the requests, and reads the replies: at most 64 KiB per 30 ms for the first six seconds.
    ///
    /// It reads on a thread of its own: on threads that tests share, other tests may compute for longer than a peer may
    /// stop reading.
    private static func expectTaken(
        _ daemon: TestDaemon,
        _ transport: TestTransport,
        _ requests: [Message],
        _ bytes: Int
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        let raw = try await RawPeer.connect(daemon, reads: false, group: group)
        let channel = raw.channel
        try await channel.setOption(.maxMessagesPerRead, value: 1).get()
        try await channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024)).get()
        try await raw.send(requests.flatMap { try packet($0) })
        let reading = channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(30)) { _ in
            channel.read()
        }
        channel.eventLoop.scheduleTask(in: .seconds(6)) {
            reading.cancel()
            channel.setOption(.autoRead, value: true).whenSuccess { channel.read() }
        }
        var taken = 0
        while taken < bytes, let more = await raw.read() { taken += more.count }
        #expect(taken >= bytes)
        await raw.close()
    }
}
