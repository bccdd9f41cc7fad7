internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import NetworkProtocolTestSupport
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Payloads that take long to compress, decompress, encode or decode: they delay their sender only.
@Suite("A long payload", .serialized)
struct LongPayloadTests {
    enum Kind: CaseIterable, Sendable {
        case echoCompressed, inlineReplyCompressed, echoInJSON
    }

    @Test(arguments: Kind.allCases)
    func `a long payload that takes long to answer keeps no other connection waiting`(_ kind: Kind) async throws {
        let text = Self.text
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommandInline("text") { _, _ in Array(text.utf8) }
        try await TestDaemon.with(
            .plaintextTCP,
            dispatcher,
            { if kind != .echoInJSON { $0.connection.compression = .init(.zstd, level: 19) } }
        ) { daemon in
            let client = try await daemon.connect(.plaintextTCP) {
                if kind == .echoInJSON { $0.connection.format = .json }
            }
            try await Self.expectOthersServed(daemon) {
                switch kind {
                case .echoCompressed, .echoInJSON:
                    try await client.send(.echo(text))
                    #expect(try await client.receive() == .echo(text))
                case .inlineReplyCompressed:
                    let reply = try await client.request("text", timeout: .seconds(120))
                    #expect(reply == Array(text.utf8))
                }
            }
            await client.close()
        }
    }

    @Test func `a long payload in small packets by the hundred keeps no other connection waiting`() async throws {
        // Messages that were not requested are also decompressed, and use no budget of handlers.
        let bomb = try Self.zstd(.response(id: 77, payload: [UInt8](repeating: 0, count: (16 << 20) - 100)))
        #expect(bomb.count < 1000)
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let peer = try await RawPeer.connect(daemon)
            try await Self.expectOthersServed(daemon) {
                try await peer.send(Array((0..<800).map { _ in bomb }.joined()) + packet(.ping))
                var answer: Message? = .ping
                while answer == .ping { answer = try await peer.packet().map { try Message(payload: $0.payload) } }
                #expect(answer == .pong)
            }
            await peer.close()
        }
    }

    @Test func `a long payload that stands for a few bytes counts as long`() throws {
        // A frame of one segment with four bytes: a million empty blocks, and a ping.
        let frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 4]
        let end: [UInt8] = [4 << 3 | 1, 0, 0] + Message.ping.payload()
        let payload = frame + [UInt8](repeating: 0, count: 3_000_000) + end
        let inbound = InboundPayload(SplitPayload(payload), flags: .zstd, limit: PacketHeader.maximumPayloadLength)
        let work = try inbound.work()
        #expect(work >= payload.count)
        let message = try inbound.read().message
        #expect(message == .ping)
    }

    @Test func `a long payload in JSON keeps no other connection waiting`() async throws {
        let zeros =
            Array("\u{2}{\"Data\":[0".utf8) + Array(String(repeating: ",0", count: 4 << 20).utf8) + Array("]}".utf8)
        // A slow machine takes longer than a heartbeat for it.
        try await TestDaemon.with(.plaintextTCP, .forTests, { $0.connection.heartbeatInterval = .seconds(600) }) {
            daemon in
            let peer = try await RawPeer.connect(daemon)
            try await Self.expectOthersServed(daemon) {
                try await peer.send(packet(zeros) + packet(.ping))
                let answers = try await [peer.packet(), peer.packet()].map {
                    try $0.map { try Message(payload: $0.payload) }
                }
                #expect(answers.contains(.pong))
                #expect(answers.contains(.data([UInt8](repeating: 0, count: 1 + 4 << 20))))
            }
            await peer.close()
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `a long payload is answered before a short one that came after it`(_ transport: TestTransport) async throws {
        let long = [UInt8](repeating: 7, count: 1 << 20)
        try await TestDaemon.with(transport, .forTests, { $0.connection.compression = .init(.zstd) }) { daemon in
            let client = try await daemon.connect(transport) { $0.connection.compression = .init(.lz4) }
            let sent: [Message] = [
                .data(long), .data([1]), .echo(String(repeating: "long ", count: 50_000)), .echo("short"), .data(long),
                .echo("short"), .data([2]),
            ]
            for message in sent { try await client.send(#require(OutgoingMessage(message))) }
            for message in sent {
                let received = try await client.receive()
                #expect(received == message, "\(message.name)")
            }
            await client.close()
        }
    }

    @Test func `a long payload is read and answered when its sender has closed its direction`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let peer = try await RawPeer.connect(daemon, halfCloses: true)
            let payload = [UInt8](repeating: 3, count: 8 << 20)
            try await peer.send(Self.zstd(.data(payload)))
            try await peer.channel.close(mode: .output).get()
            var answers: [Message] = []
            while let answer = try await peer.packet() { answers.append(try Message(payload: answer.payload)) }
            let isAnswered = answers.filter { $0 != .ping } == [.data(payload)]
            #expect(isAnswered, "\(answers.map(\.name))")
            await peer.close()
        }
    }

    @Test func `a long payload that is broken ends its connection with the reason, and that one only`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let peer = try await RawPeer.connect(daemon)
            var broken = try Self.zstd(.echo(Self.text))
            for index in broken.indices.dropFirst(5_000).prefix(200) { broken[index] = 0xff }
            try await peer.send(broken + packet(.ping))
            await peer.untilClosed()
            let ending = await daemon.nextEnding()
            guard ending?.code == .malformedCompression else {
                Issue.record("\(String(describing: ending))")
                return
            }
            let client = try await daemon.connect(.plaintextTCP)
            _ = try await client.ping()
            await client.close()
        }
    }

    @Test func `a long payload that is being read when its connection ends is forgotten`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            for _ in 0..<20 {
                let peer = try await RawPeer.connect(daemon)
                try await peer.send(Self.zstd(.data([UInt8](repeating: 3, count: 8 << 20))))
                await peer.close()
                _ = await daemon.nextEnding()
            }
            let client = try await daemon.connect(.plaintextTCP)
            _ = try await client.ping()
            await client.close()
        }
    }

    // MARK: -

    /// 3 MiB of words, which Zstandard compresses to a tenth at its highest level, slowly.
    private static let text: String = {
        var state: UInt64 = 1
        var text = ""
        while text.utf8.count < 3 << 20 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += "word\(state >> 50) "
        }
        return text
    }()

    private static func zstd(_ message: Message) throws -> [UInt8] {
        let payload = message.payload()
        let compressed = try #require(PayloadCompression.compress(payload, with: .init(.zstd)))
        return try packet(compressed, flags: .zstd)
    }

    /// The longest time in which an event loop did no other work.
    private final class Gaps: Sendable {
        private let state = Mutex((last: NIODeadline.now(), longest: TimeAmount.zero))

        func tick() {
            state.withLock { state in
                let now = NIODeadline.now()
                state.longest = max(state.longest, now - state.last)
                state.last = now
            }
        }

        var longest: Duration { state.withLock { .nanoseconds($0.longest.nanoseconds) } }
    }

    /// Runs `body` while other connections send requests and get replies. No event loop may be blocked for a third of
    /// the time that `body` takes.
    ///
    /// Measured on the event loops themselves: other tests also keep the threads of tasks busy.
    private static func expectOthersServed(_ daemon: TestDaemon, while body: () async throws -> Void) async throws {
        let other = try await daemon.connect(.plaintextTCP)
        let isDone = Flag()
        let asking = Task {
            var answers = 0
            while !isDone.isSet {
                _ = try await other.ping()
                answers += 1
            }
            return answers
        }
        let watched = MultiThreadedEventLoopGroup.singleton.makeIterator().map { eventLoop in
            let gaps = Gaps()
            let ticks = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { _ in gaps.tick()
            }
            return (gaps: gaps, ticks: ticks)
        }
        let start = ContinuousClock.now
        do {
            defer {
                isDone.set()
                for (_, ticks) in watched { ticks.cancel() }
            }
            try await body()
        }
        let taken = ContinuousClock.now - start
        for (gaps, _) in watched {
            gaps.tick()
            #expect(gaps.longest * 3 < taken, "the long one took \(taken), an event loop was kept \(gaps.longest)")
        }
        let answers = try await asking.value
        #expect(answers > 0)
        await other.close()
    }
}
