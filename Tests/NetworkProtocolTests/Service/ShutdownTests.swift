internal import Identity
internal import NIOCore
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

@Suite("A daemon that shuts down", .timeLimit(.minutes(5)))
struct ShutdownTests {
    @Test(arguments: TestTransport.allCases)
    func `a daemon that shuts down answers what it accepted, sends Disconnect, and takes no new connection`(
        _ transport: TestTransport
    ) async throws {
        let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Never.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            arrive.yield()
            for await _ in released {}
            return payload.reversed()
        }
        try await TestDaemon.with(transport, dispatcher) { daemon in
            let client = try await daemon.connect(transport)
            let requests = (UInt8(0)..<20).map { number in
                Task { try await client.request("slow", [1, number]) }
            }
            var count = 0
            for await _ in arrived {
                count += 1
                if count == requests.count { break }
            }
            // A message without a number waits behind nothing, and is answered too.
            try await client.send(.data([1, 2, 3]))
            _ = try await client.receive()
            daemon.daemon.shutDown()
            // It no longer listens.
            await #expect(throws: ConnectionError.self) {
                while true { await (try await daemon.connect(transport)).close() }
            }
            release.finish()
            for (number, request) in requests.enumerated() {
                let reply = try await request.value
                #expect(reply == [UInt8(number), 1])
            }
            let end = try await client.receive()
            #expect(end == nil)
            try await daemon.running.value
        }
    }

    @Test
    func
        `a daemon that shuts down answers a peer that has closed its own direction, however many heartbeats that takes`()
        async throws
    {
        let (released, release) = AsyncStream.makeStream(of: Never.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            for await _ in released {}
            return payload.reversed()
        }
        try await TestDaemon.with(
            .unix,
            dispatcher,
            {
                $0.connection.heartbeatInterval = .milliseconds(50)
                $0.connection.missedHeartbeats = 2
            }
        ) { daemon in
            let peer = try await RawPeer.connect(daemon, halfCloses: true)
            try await peer.send(try packet(.request(id: 7, command: "slow", payload: [1, 2])))
            try await peer.channel.close(mode: .output).get()
            // Ten times as long as a silent peer may live.
            try await Task.sleep(for: .seconds(1))
            release.finish()
            var answer = try await peer.packet().map { try Message(payload: $0.payload) }
            while answer == .ping { answer = try await peer.packet().map { try Message(payload: $0.payload) } }
            #expect(answer == .response(id: 7, payload: [2, 1]))
        }
    }

    @Test(arguments: MessageFormat.allCases, [false, true])
    func `a daemon that shuts down answers what it accepted, whatever came after that`(
        _ format: MessageFormat,
        isCompressed: Bool
    ) async throws {
        let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Never.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            arrive.yield()
            for await _ in released {}
            return payload.reversed()
        }
        try await TestDaemon.with(.plaintextTCP, dispatcher, { $0.connection.channelCapacity = 1 }) { daemon in
            let peer = try await RawPeer.connect(daemon, halfCloses: true)
            let more = Message.data([UInt8](repeating: 1, count: 1_000)).payload(in: format)
            let compressed = PayloadCompression.compress(more, with: .init(.zstd))
            let after = try isCompressed ? packet(#require(compressed), flags: .zstd) : packet(more)
            // More than there is room for, so all but the first wait to be processed.
            try await peer.send(packet(.request(id: 7, command: "slow", payload: [1, 2])) + after + after)
            for await _ in arrived { break }
            daemon.daemon.shutDown()
            let connection = try #require(daemon.daemon.openConnections.first)
            while connection.inFlight.endReason == nil { try await Task.sleep(for: .milliseconds(1)) }
            release.finish()
            let answer = try await peer.packet().map { try Message(payload: $0.payload) }
            #expect(answer == .response(id: 7, payload: [2, 1]))
            await peer.close()
            try await daemon.running.value
        }
    }

    @Test func `a daemon that shuts down cuts off what takes longer than it may, and says how many it were`()
        async throws
    {
        let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("for ever") { _, _ in
            arrive.yield()
            try await Task.sleep(for: .seconds(600))
            return []
        }
        await #expect(throws: DaemonError.shutdownTimedOut(connections: 1)) {
            try await TestDaemon.with(.sealedTCP, dispatcher, { $0.shutdownTimeout = .milliseconds(200) }) { daemon in
                let client = try await daemon.connect(.sealedTCP)
                let request = Task { try await client.request("for ever") }
                for await _ in arrived { break }
                daemon.daemon.shutDown()
                await #expect(throws: ConnectionError.self) { _ = try await request.value }
                try await daemon.running.value
            }
        }
    }

    @Test
    func
        `a daemon that shuts down is not held up by a peer that is still in its handshake, or that never reads the Disconnect`()
        async throws
    {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let halfway = try await RawPeer.connect(daemon)
            let deaf = try await daemon.connect(.sealedTCP)
            _ = try await deaf.request("reverse", [1])
            daemon.daemon.shutDown()
            try await daemon.running.value
            await halfway.untilClosed()
        }
    }

    @Test func `a daemon runs once`() async throws {
        try await TestDaemon.with(.unix) { daemon in
            let again = await #expect(throws: DaemonError.self) { try await daemon.daemon.run() }
            #expect(again == .alreadyRan)
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a connection that is shut down by one of its own handlers sends the handler's reply and then closes`(
        _ transport: TestTransport
    ) async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("quit") { payload, context in
            await context.connection.close()
            return payload
        }
        dispatcher.onAnyCommand { _, payload, context in
            await context.connection.close()
            return payload
        }
        dispatcher.onData { bytes, context in
            await context.connection.close()
            return .data(bytes)
        }
        try await TestDaemon.with(transport, dispatcher) { daemon in
            for command in ["quit", "any"] {
                let client = try await daemon.connect(transport)
                let reply = try await client.request(command, [1, 2])
                #expect(reply == [1, 2])
                let end = try await client.receive()
                #expect(end == nil)
                await client.close()
            }
            let client = try await daemon.connect(transport)
            try await client.send(.data([3]))
            let reply = try await client.receive()
            #expect(reply == .data([3]))
            let end = try await client.receive()
            #expect(end == nil)
            await client.close()
        }
    }
}
