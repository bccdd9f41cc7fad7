internal import NIOCore
internal import Testing

@testable import NetworkProtocol

/// Sealed connections that end without the peer's sealed Disconnect: any attacker on the path can cause that.
@Suite("A sealed connection that is cut between two records", .timeLimit(.minutes(2)))
struct TruncationTests {
    private static let words = "its last messages may be missing"

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func
        `a sealed connection that is cut between two records gives a client what came whole, and then an error instead of an end`(
            _ transport: TestTransport
        ) async throws
    {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            let connection = try #require(daemon.daemon.openConnections.first)
            try await connection.send(.data([1]))
            try await connection.send(.data([2]))
            while connection.outbox.bytesWaiting > 0 { try await Task.sleep(for: .milliseconds(1)) }
            try await connection.channel.cut()
            #expect(try await client.receive() == .data([1]))
            #expect(try await client.receive() == .data([2]))
            for _ in 0..<2 {
                await #expect {
                    _ = try await client.receive()
                } throws: {
                    "\($0)".contains(Self.words)
                }
            }
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a sealed connection that is cut between two records gives a caller that waits for a message an error`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            let waiting = Task { try await client.receive() }
            let connection = try #require(daemon.daemon.openConnections.first)
            try await connection.channel.cut()
            await #expect {
                _ = try await waiting.value
            } throws: {
                "\($0)".contains(Self.words)
            }
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func
        `a sealed connection that is cut between two records ends for a daemon with that error, and cleanly only after the peer's Disconnect`(
            _ transport: TestTransport
        )
        async throws
    {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            try await client.connection().channel.cut()
            let cut = await daemon.nextEnding()
            #expect("\(try #require(cut))".contains(Self.words))

            // A peer that has only closed its direction still gets its answers.
            var peer = try await SealedPeer.connect(daemon, halfCloses: true)
            try await peer.send(.request(id: 1, command: "reverse", payload: [1, 2]))
            try await peer.raw.channel.close(mode: .output)
            var answers: [Message] = []
            while answers.last != .disconnect, let answer = try await peer.receive() { answers.append(answer) }
            #expect(answers.filter { $0 != .ping } == [.response(id: 1, payload: [2, 1]), .disconnect])
            let halfClosed = await daemon.nextEnding()
            #expect("\(try #require(halfClosed))".contains(Self.words))

            await (try await daemon.connect(transport)).close()
            let closed = await daemon.nextEnding()
            #expect(closed == .closedByPeer)
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a sealed connection ends for a client with nil after the daemon's Disconnect`(_ transport: TestTransport)
        async throws
    {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            daemon.daemon.shutDown()
            #expect(try await client.receive() == nil)
            try await daemon.running.value
        }
    }
}
