internal import NetworkProtocolTestSupport
internal import Testing

@testable import NetworkProtocol

/// What the keys of `[transport]` change on the wire, as bytes that the test's peer reads.
@Suite(.timeLimit(.minutes(1))) struct TransportKeyTests {
    private static let lz4: UInt8 = 1
    private static let zstd: UInt8 = 2

    /// The packet in which a client with this configuration sends `bytes`.
    private func packet(_ transport: String, sending bytes: [UInt8]) async throws -> (flags: UInt8, payload: [UInt8]) {
        let server = try await PlainServer.start()
        let client = try await ConfiguredService.connect(
            to: "127.0.0.1:\(server.port)",
            ConfiguredService.plaintext + transport
        )
        let peer = try await server.accept()
        try await client.send(.data(bytes))
        var iterator = peer.packets().makeAsyncIterator()
        let packet = try #require(await iterator.next())
        await peer.close()
        await server.close()
        await client.close()
        return packet
    }

    private let zeros = [UInt8](repeating: 0, count: 5_000)

    @Test func `compression_enabled compresses, and says so in the packet's flags`() async throws {
        let plain = try await packet("", sending: zeros)
        #expect(plain.flags == 0)
        #expect(plain.payload.count == 5_012)
        let compressed = try await packet("compression_enabled = true", sending: zeros)
        #expect(compressed.flags == Self.lz4)
        #expect(compressed.payload.count < 200)
    }

    @Test func `compression_algorithm chooses the flag`() async throws {
        let packet = try await packet("compression_enabled = true\ncompression_algorithm = \"zstd\"", sending: zeros)
        #expect(packet.flags == Self.zstd)
    }

    @Test func `compression_level makes payloads smaller`() async throws {
        var generator = SplitMix64(seed: 7)
        let words = (0..<400).map { _ in (0..<6).map { _ in UInt8.random(in: 97...122, using: &generator) } }
        let text = (0..<20_000).flatMap { _ in words.randomElement(using: &generator) ?? [] }
        let zstd = "compression_enabled = true\ncompression_algorithm = \"zstd\"\n"
        let fast = try await packet(zstd + "compression_level = 1", sending: text)
        let small = try await packet(zstd + "compression_level = 19", sending: text)
        #expect(small.payload.count < fast.payload.count)
    }

    @Test func `compression_threshold_bytes leaves shorter payloads as they are`() async throws {
        // A Data message takes 12 bytes in addition to its content.
        let on = "compression_enabled = true\ncompression_threshold_bytes = 5012"
        let short = try await packet(on, sending: Array(zeros.dropFirst()))
        #expect(short.flags == 0)
        let long = try await packet(on, sending: zeros)
        #expect(long.flags == Self.lz4)
    }

    @Test(arguments: [
        ("bincode", [8, 0, 0, 0] as [UInt8]), ("json", [2] + Array("{\"Data\":".utf8)),
        ("messagepack", [3, 0x81, 0xa4]),
    ])
    func `format is how messages are written`(name: String, start: [UInt8]) async throws {
        let packet = try await packet("format = \"\(name)\"", sending: [1, 2, 3])
        #expect(packet.payload.starts(with: start), "\(packet.payload)")
    }

    @Test func `max_payload_size bounds what is sent`() async throws {
        await #expect(throws: ConnectionError.messageTooLong(length: 5_012, limit: 1_024)) {
            _ = try await packet("max_payload_size = 1024", sending: zeros)
        }
    }

    @Test func `max_payload_size bounds what a daemon takes`() async throws {
        try await ConfiguredService.withDaemon("[transport]\nmax_payload_size = 1024") { _, address in
            let client = try await ConfiguredService.connect(to: address)
            let reply = try await client.request("echo", [UInt8](repeating: 1, count: 800))
            #expect(reply.count == 800)
            await #expect(throws: ConnectionError.self) {
                _ = try await client.request("echo", [UInt8](repeating: 1, count: 1_000))
            }
        }
        try await ConfiguredService.withDaemon("[transport]\nmax_payload_size = 2048") { _, address in
            let client = try await ConfiguredService.connect(to: address)
            let reply = try await client.request("echo", [UInt8](repeating: 1, count: 1_000))
            #expect(reply.count == 1_000)
            await client.close()
        }
    }

    @Test func `encryption_enabled decides whether a handshake comes first, and whether what follows can be read`()
        async throws
    {
        let clear = try await packet("", sending: [9, 9, 9])
        #expect(clear.payload == [8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9])
        let server = try await PlainServer.start()
        let address = "127.0.0.1:\(server.port)"
        let connecting = Task {
            try await ConfiguredService.connect(to: address, "[transport]\nencryption_enabled = true")
        }
        let peer = try await server.accept()
        var iterator = peer.packets().makeAsyncIterator()
        let first = try #require(await iterator.next())
        // SecureHandshakeInit
        #expect(first.payload.starts(with: [2, 0, 0, 0]))
        await peer.close()
        await #expect(throws: ConnectionError.self) { _ = try await connecting.value }
        await server.close()
    }

    @Test func `a daemon that encrypts and a client that does not never understand each other`() async throws {
        try await ConfiguredService.withDaemon("") { _, address in
            let client = try await ConfiguredService.connect(to: address, ConfiguredService.plaintext)
            await #expect(throws: ConnectionError.self) { _ = try await client.request("echo", [1]) }
        }
    }
}
