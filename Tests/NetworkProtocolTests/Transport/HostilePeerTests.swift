internal import Foundation
internal import Identity
internal import NIOCore
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Hostile peers, against a daemon on a real socket. At the end of each test, an honest peer is served.
@Suite("A hostile peer", .timeLimit(.minutes(5)))
struct HostilePeerTests {
    private func expectService(_ daemon: TestDaemon, _ transport: TestTransport) async throws {
        let honest = try await daemon.connect(transport)
        let reply = try await honest.request("reverse", [1, 2])
        #expect(reply == [2, 1])
        await honest.close()
    }

    @Test(arguments: TestTransport.allCases)
    func `a hostile peer that claims 4 GiB is cut off before room is made`(_ transport: TestTransport) async throws {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            let flags: UInt8 = transport == .sealedTCP || transport == .sealedUnix ? 4 : 0
            let header: [UInt8] = [0xDE, 0xAD, 0xBE, 0xEF, 1, flags, 0xFF, 0xFF, 0xFF, 0xFF]
            try await client.connection().channel.writeAndFlush(ByteBuffer(bytes: header))
            let ending = await daemon.nextEnding()
            let limit = PacketHeader.maximumPayloadLength
            #expect(ending == .malformedPacket(.payloadTooLong(length: 0xFFFF_FFFF, limit: limit)))
            try await expectService(daemon, transport)
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a hostile peer that sends what is no packet is cut off`(_ transport: TestTransport) async throws {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            try await client.connection().channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
            let ending = await daemon.nextEnding()
            #expect(ending == .malformedPacket(.wrongMagic(offset: 0, found: UInt8(ascii: "G"))))
            let stranger = try await RawPeer.connect(daemon)
            try await stranger.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            await stranger.untilClosed()
            try await expectService(daemon, transport)
        }
    }

    /// Small packets that claim, or would decompress to, more than a packet may contain.
    private static let bombs: [(payload: [UInt8], flags: PacketFlags)] = {
        // One literal, a match of that many bytes at distance 1 (LZ4 block format), five literals.
        let lz4Block: [UInt8] = [0x1F, 0, 1, 0] + [UInt8](repeating: 255, count: 64 * 1024) + [0, 0x50, 1, 2, 3, 4, 5]
        // A frame with its size in four bytes and one block of 128 KiB of the same byte (RFC 8878).
        let zstdFrame = { (size: [UInt8]) -> [UInt8] in
            [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + size + [0x03, 0x00, 0x10, 0x00]
        }
        return [
            ([0xFF, 0xFF, 0xFF, 0xFF] + lz4Block, .lz4), ([1, 0, 0, 1] + lz4Block, .lz4),
            ([100, 0, 0, 0] + lz4Block, .lz4),
            (zstdFrame([1, 0, 0, 1]), .zstd), (zstdFrame([0xFF, 0xFF, 0xFF, 0xFF]), .zstd),
            (zstdFrame([10, 0, 0, 0]), .zstd),
        ]
    }()

    @Test(arguments: [TestTransport.plaintextTCP, .tls, .unix])
    func `a hostile peer that sends a bomb is cut off`(_ transport: TestTransport) async throws {
        try await TestDaemon.with(transport) { daemon in
            for bomb in Self.bombs {
                let client = try await daemon.connect(transport)
                let bytes = try packet(bomb.payload, flags: bomb.flags)
                try await client.connection().channel.writeAndFlush(ByteBuffer(bytes: bytes))
                let ending = await daemon.nextEnding()
                guard ending?.code == .malformedCompression else {
                    Issue.record("\(String(describing: ending))")
                    return
                }
            }
            try await expectService(daemon, transport)
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a hostile peer that is let in and seals a bomb is cut off`(_ transport: TestTransport) async throws {
        try await TestDaemon.with(transport) { daemon in
            for bomb in Self.bombs {
                var peer = try await SealedPeer.connect(daemon)
                let record = try peer.record(bomb.payload, flags: bomb.flags)
                try await peer.raw.send(record)
                let ending = await daemon.nextEnding()
                guard ending?.code == .malformedCompression else {
                    Issue.record("\(String(describing: ending))")
                    return
                }
            }
            try await expectService(daemon, transport)
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .tls, .sealedUnix])
    func `a hostile peer that begins a handshake and never ends it is cut off`(_ transport: TestTransport) async throws
    {
        try await TestDaemon.with(transport, .forTests, { $0.connection.handshakeTimeout = .milliseconds(300) }) {
            daemon in
            let silent = try await RawPeer.connect(daemon)
            let slow = try await RawPeer.connect(daemon)
            try await slow.send(transport == .tls ? [0x16, 0x03] : [0xDE, 0xAD])
            try await expectService(daemon, transport)
            await silent.untilClosed()
            await slow.untilClosed()
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a hostile peer that begins a packet and feeds it byte by byte is cut off, and one that only waits is not`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(
            transport,
            .forTests,
            {
                $0.connection.stallTimeout = .milliseconds(600)
                // No ping, whose answer would get between the bytes.
                $0.connection.heartbeatInterval = .seconds(60)
            }
        ) { daemon in
            let waiting = try await daemon.connect(transport)
            let client = try await daemon.connect(transport)
            let channel = try await client.connection().channel
            let feeding = Task {
                var bytes = try packet([UInt8](repeating: 0, count: 1_000), flags: [])
                if transport == .sealedTCP || transport == .sealedUnix { bytes[5] = 4 }
                for byte in bytes {
                    try await channel.writeAndFlush(ByteBuffer(bytes: [byte]))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let ending = await daemon.nextEnding()
            #expect(ending == .timedOut(what: "a packet that had begun"))
            feeding.cancel()
            let reply = try await waiting.request("reverse", [1, 2])
            #expect(reply == [2, 1])
        }
    }

    @Test func `a hostile peer that plays a recorded session back is refused`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let raw = try await RawPeer.connect(daemon)
            var generator = SystemRandomNumberGenerator()
            let initiator = HandshakeInitiator(
                trust: daemon.ends.clientTrust,
                timestamp: WallClock.milliseconds,
                using: &generator
            )
            let opening = try packet(.handshakeInit(initiator.opening))
            try await raw.send(opening)
            let response = try await raw.packet()
            #expect(response != nil)
            await raw.close()
            // The recording is replayed on another connection, where the same cache remembers it.
            let replayer = try await RawPeer.connect(daemon)
            try await replayer.send(opening)
            let answer = try await replayer.packet()
            let message = try answer.map { try Message(payload: $0.payload) }
            #expect(
                message
                    == .failure(
                        id: 0,
                        code: .protocolViolation,
                        reason: HandshakeError.replayed.description
                    )
            )
            await replayer.untilClosed()
            try await expectService(daemon, .sealedTCP)
        }
    }

    @Test func `a hostile peer whose clock is wrong gets an error that says so`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let raw = try await RawPeer.connect(daemon)
            var generator = SystemRandomNumberGenerator()
            let initiator = HandshakeInitiator(
                trust: daemon.ends.clientTrust,
                timestamp: WallClock.milliseconds - 60_000,
                using: &generator
            )
            try await raw.send(try packet(.handshakeInit(initiator.opening)))
            let answer = try await raw.packet()
            guard case .failure(0, .clockSkew, _)? = try answer.map({ try Message(payload: $0.payload) }) else {
                Issue.record("not told")
                return
            }
            await raw.untilClosed()
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a hostile peer that repeats a record, or sends back what it got, or goes on in the clear, is cut off`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport) { daemon in
            var repeating = try await SealedPeer.connect(daemon)
            let record = try repeating.record(Message.echo("once").payload())
            try await repeating.raw.send(record + record)
            let afterRepeating = await daemon.nextEnding()
            #expect(afterRepeating == .notAuthentic)

            var reflecting = try await SealedPeer.connect(daemon)
            try await reflecting.send(.echo("mirror"))
            let answer = try #require(try await reflecting.raw.packet())
            try await reflecting.raw.send(answer.header.bytes + answer.payload)
            let afterReflecting = await daemon.nextEnding()
            #expect(afterReflecting == .notAuthentic)

            let clear = try await SealedPeer.connect(daemon)
            try await clear.raw.send(try packet(.echo("in the clear")))
            let afterClear = await daemon.nextEnding()
            #expect(afterClear == .notAuthentic)

            let changing = try await daemon.connect(transport)
            try await changing.connection().channel.writeAndFlush(
                ByteBuffer(bytes: try packet([UInt8](repeating: 1, count: 40), flags: .encrypted))
            )
            let afterChanging = await daemon.nextEnding()
            #expect(afterChanging == .notAuthentic)
            try await expectService(daemon, transport)
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a hostile peer that changes its key again and again is cut off, and one that changes it now and then is not`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport) { daemon in
            var peer = try await SealedPeer.connect(daemon)
            for number in 0..<5 {
                try await peer.changeKey()
                try await peer.send(.echo("\(number)"))
                #expect(try await peer.receive() == .echo("\(number)"))
            }
            for _ in 0..<2_000 { try? await peer.changeKey() }
            try? await peer.send(.echo("after"))
            let answer = try? await peer.receive()
            #expect(answer == nil)
            let ending = await daemon.nextEnding()
            #expect("\(try #require(ending))".contains("changed its key"))
            try await expectService(daemon, transport)
        }
    }

    @Test
    func `a hostile peer that leaves the handshake out, or offers no identity, or the wrong secret, is not let in`()
        async throws
    {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let raw = try await RawPeer.connect(daemon)
            try await raw.send(try packet(.request(id: 1, command: "reverse", payload: [1, 2])))
            let nothing = try await raw.packet()
            #expect(nothing == nil)
            let key = try #require(PreSharedKey([UInt8](repeating: 9, count: 32)))
            for trust in [Trust.anonymous, .preSharedKey(key)] {
                await #expect(throws: ConnectionError.self) {
                    _ = try await Client.connect(to: .tcp(host: "127.0.0.1", port: daemon.port, trust: trust))
                }
            }
            #expect(daemon.daemon.openConnections.isEmpty)
            try await expectService(daemon, .sealedTCP)
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a hostile peer that asks and never reads stops no other peer, costs its budget and is cut off`(
        _ transport: TestTransport
    ) async throws {
        let handled = Mutex(0)
        let answer = [UInt8](repeating: 1, count: 256 * 1024)
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("big") { _, _ in
            handled.withLock { $0 += 1 }
            return answer
        }
        try await TestDaemon.with(
            transport,
            dispatcher,
            {
                $0.connection.stallTimeout = .seconds(1)
                $0.connection.heartbeatInterval = .milliseconds(500)
                $0.connection.missedHeartbeats = 1_000
            }
        ) { daemon in
            let client = try await daemon.connect(transport)
            let connection = try await client.connection()
            // From here on the client's socket is not read.
            try await connection.channel.pipeline.addHandler(Deaf(), position: .first)
            var sent = 0
            do {
                for id in UInt64(1)...2_000 {
                    try await connection.outbox.send(
                        .request(id: id, command: "big", payload: []),
                        timeout: .seconds(20)
                    )
                    sent += 1
                }
            } catch {}
            let ending = await daemon.nextEnding()
            #expect(ending == .stalled(after: .seconds(1)) || ending == .closedByPeer, "\(String(describing: ending))")
            // What the sockets' buffers hold, plus 1 MiB, plus one more round of handlers: far from all.
            #expect(handled.withLock(\.self) < 400, "\(handled.withLock(\.self)) of \(sent)")
            try await expectService(daemon, transport)
        }
    }

    /// Lets no reads through.
    private final class Deaf: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = ByteBuffer
        func read(context: ChannelHandlerContext) {}
    }

    @Test(arguments: TestTransport.allCases)
    func
        `a hostile peer whose requests take for ever has no more of them worked on than the capacity, and a daemon serves others`(
            _ transport: TestTransport
        ) async throws
    {
        let working = Mutex((now: 0, most: 0))
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("stay") { _, _ in
            working.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            defer { working.withLock { $0.now -= 1 } }
            try await Task.sleep(for: .seconds(600))
            return []
        }
        try await TestDaemon.with(transport, dispatcher, { $0.connection.channelCapacity = 8 }) { daemon in
            let client = try await daemon.connect(transport)
            let connection = try await client.connection()
            let flood = Task {
                for id in UInt64(1)...10_000 {
                    try await connection.outbox.send(.request(id: id, command: "stay", payload: [1]))
                }
            }
            while working.withLock(\.now) < 8 { try await Task.sleep(for: .milliseconds(5)) }
            for _ in 0..<20 { try await expectService(daemon, transport) }
            #expect(working.withLock(\.most) == 8)
            flood.cancel()
        }
    }

    @Test(arguments: [TestTransport.plaintextTCP, .sealedTCP])
    func `a hostile peer whose large messages wait for a slow handler has a few of them taken in`(
        _ transport: TestTransport
    ) async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onData { _, _ in
            try await Task.sleep(for: .seconds(600))
            return nil
        }
        try await TestDaemon.with(transport, dispatcher) { daemon in
            let client = try await daemon.connect(transport)
            let sent = Mutex(0)
            let flood = Task {
                for _ in 0..<100 {
                    try await client.send(.data([UInt8](repeating: 0, count: 1 << 20)))
                    sent.withLock { $0 += 1 }
                }
            }
            // One handler waits, so no more messages are read: the others fill buffers at most.
            var last = -1
            while sent.withLock(\.self) != last {
                last = sent.withLock(\.self)
                try await Task.sleep(for: .milliseconds(500))
            }
            #expect(last < 30, "\(last) MiB were taken")
            flood.cancel()
            try await expectService(daemon, transport)
        }
    }

    @Test func `a daemon whose messages are not received is not read further`() async throws {
        var dispatcher = Dispatcher.forTests
        let sent = Mutex(0)
        dispatcher.onOpen { connection in
            for _ in 0..<100 {
                guard (try? await connection.send(.data([UInt8](repeating: 0, count: 1 << 20)))) != nil else { return }
                sent.withLock { $0 += 1 }
            }
        }
        try await TestDaemon.with(.sealedTCP, dispatcher) { daemon in
            let client = try await daemon.connect(.sealedTCP)
            var last = -1
            while sent.withLock(\.self) != last {
                last = sent.withLock(\.self)
                try await Task.sleep(for: .milliseconds(500))
            }
            #expect(last < 30, "\(last) MiB were taken")
            for _ in 0..<100 {
                let message = try await client.receive()
                guard case .data(let bytes)? = message else {
                    Issue.record("\(String(describing: message?.name))")
                    return
                }
                #expect(bytes.count == 1 << 20)
            }
        }
    }

    @Test func `a daemon that reads nothing is sent nothing of requests that were given up`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let client = try await daemon.connect(.sealedTCP)
            let connection = try await client.connection()
            // More than any socket's buffers is waiting, so no request has room.
            for open in daemon.daemon.openConnections {
                try await open.channel.pipeline.addHandler(Deaf(), position: .first)
            }
            let payload = [UInt8](repeating: 0, count: 1 << 20)
            while (try? await connection.outbox.send(.data(payload), timeout: .milliseconds(300))) != nil {}
            let before = connection.outbox.bytesWaiting
            for _ in 0..<20 {
                let request = Task { try await connection.request("reverse", payload) }
                request.cancel()
                await #expect(throws: ConnectionError.cancelled) { _ = try await request.value }
            }
            #expect(connection.outbox.bytesWaiting == before)
        }
    }

    @Test func `a daemon's reason cannot reorder the line in which it is shown`() async throws {
        var dispatcher = Dispatcher()
        dispatcher.onCommand("refuse") { _, _ in throw Dispatcher.Refusal("a\u{202E}b\u{1B}c") }
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            await #expect(throws: ConnectionError.refused(code: .refused, reason: "a?b?c")) {
                _ = try await client.request("refuse")
            }
            await client.close()
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a crowd of half-open connections makes room for new ones, and open ones stay`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport, .forTests, { $0.maximumConnections = 10 }) { daemon in
            let first = try await daemon.connect(transport)
            _ = try await first.request("reverse", [1])
            if transport.isOpenToAll {
                // Peers may connect without a proof: the limit holds, and connections beyond it are closed.
                let closed = Mutex(0)
                var crowd: [RawPeer] = []
                for _ in 0..<30 {
                    let peer = try await RawPeer.connect(daemon)
                    peer.channel.closeFuture.whenComplete { _ in closed.withLock { $0 += 1 } }
                    crowd.append(peer)
                }
                while closed.withLock(\.self) < 21 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(daemon.daemon.connectionCount <= 10)
                for peer in crowd { await peer.close() }
            } else {
                for _ in 0..<50 { _ = try await RawPeer.connect(daemon) }
                #expect(daemon.daemon.connectionCount <= 10)
                try await expectService(daemon, transport)
            }
            let reply = try await first.request("reverse", [1, 2])
            #expect(reply == [2, 1])
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a hostile peer that floods with pings and echoes and never reads is cut off`(_ transport: TestTransport)
        async throws
    {
        try await TestDaemon.with(
            transport,
            .forTests,
            {
                $0.connection.stallTimeout = .seconds(1)
                $0.connection.heartbeatInterval = .milliseconds(500)
                $0.connection.missedHeartbeats = 1_000
            }
        ) { daemon in
            let client = try await daemon.connect(transport)
            let connection = try await client.connection()
            try await connection.channel.pipeline.addHandler(Deaf(), position: .first)
            let text = String(repeating: "x", count: 16 * 1024)
            let flood = Task {
                while true {
                    try await connection.outbox.send(.ping)
                    try await connection.outbox.send(.echo(text))
                }
            }
            let ending = await daemon.nextEnding()
            #expect(ending == .stalled(after: .seconds(1)) || ending == .closedByPeer, "\(String(describing: ending))")
            flood.cancel()
            try await expectService(daemon, transport)
        }
    }
}
