internal import NIOCore
internal import Testing

@testable import NetworkProtocol

/// Messages from a peer of a later version.
@Suite("Messages that this version does not know", .timeLimit(.minutes(2)))
struct UnknownMessageTests {
    private static let payloads: [[UInt8]] = [
        [13, 0, 0, 0, 1, 2, 3], [2] + Array(#"{"Later":{"id":1,"more":[1,2]}}"#.utf8),
        [3, 0x81, 0xA5] + Array("Later".utf8) + [0x92, 1, 0xC0],
    ]

    @Test func `messages that this version does not know do not end a daemon's connection`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let peer = try await RawPeer.connect(daemon)
            for payload in Self.payloads {
                try await peer.send(try packet(payload))
                try await peer.send(try packet(.ping))
                let answer = try #require(try await peer.packet())
                #expect(try Message(payload: answer.payload) == .pong)
            }
            await peer.close()
        }
    }

    @Test func `messages that this version does not know come to a client's receive as unknown`() async throws {
        let payloads = Self.payloads
        var dispatcher = Dispatcher()
        dispatcher.onCommand("later") { [payloads] _, context in
            for payload in payloads {
                try await context.connection.channel.writeAndFlush(ByteBuffer(bytes: try packet(payload))).get()
            }
            return nil
        }
        try await TestDaemon.with(.plaintextTCP, dispatcher) { daemon in
            let client = try await daemon.connect(.plaintextTCP)
            try await client.send(.custom(command: "later", payload: []))
            for _ in payloads { #expect(try await client.receive() == .unknown) }
            await client.close()
        }
    }
}
