import NIOCore
import Testing

@testable import NetworkProtocol

/// Connections that are slow for a good reason, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct `A connection lives` {
    /// How long its peer may say nothing: 400 ms.
    private static func hurry(_ options: inout ConnectionOptions) {
        options.heartbeatInterval = .milliseconds(100)
        options.missedHeartbeats = 4
    }

    @Test(arguments: [TestTransport.unix])
    func `while its peer takes a long message slowly`(_ transport: TestTransport) async throws {
        let payload = [UInt8](repeating: 1, count: 8 << 20)
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

    @Test func `while its peer takes less than handlers answer`() async throws {
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
                $0.connection.stallTimeout = .milliseconds(500)
            }
        ) { daemon in
            let requests = (UInt8(0)..<15).map { Message.request(id: UInt64($0) + 1, command: "long", payload: [$0]) }
            try await Self.expectTaken(daemon, .unix, requests, 18 * payload.count)
        }
    }

    /// Sends the requests, and takes the replies, at most 64 KiB in each 30 ms for the first three seconds.
    private static func expectTaken(
        _ daemon: TestDaemon,
        _ transport: TestTransport,
        _ requests: [Message],
        _ bytes: Int
    ) async throws {
        let raw = try await RawPeer.connect(daemon, reads: false)
        try await raw.channel.setOption(.maxMessagesPerRead, value: 1).get()
        try await raw.channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024))
            .get()
        try await raw.send(requests.flatMap { try packet($0) })
        var taken = 0
        for _ in 0..<100 {
            raw.channel.read()
            try await Task.sleep(for: .milliseconds(30))
        }
        try await raw.channel.setOption(.autoRead, value: true).get()
        raw.channel.read()
        while taken < bytes, let more = await raw.read() { taken += more.count }
        #expect(taken >= bytes)
        await raw.close()
    }
}
