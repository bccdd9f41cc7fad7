internal import Foundation
internal import NIOCore
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Messages without a number, one after the other.
@Suite("Messages without a number", .timeLimit(.minutes(2)))
struct OrderedWorkTests {
    @Test func `messages without a number that never end keep no other connection's handlers waiting`() async throws {
        let handled = Atomic(0)
        var dispatcher = Dispatcher.forTests
        dispatcher.onData { _, _ in
            let end = ContinuousClock.now + .microseconds(100)
            while ContinuousClock.now < end {}
            handled.add(1, ordering: .relaxed)
            return nil
        }
        // More than there are threads that run handlers.
        let flooders = 2 * ProcessInfo.processInfo.activeProcessorCount
        let each = 5_000
        let flood = Array(repeatElement(try packet(.data([1])), count: each).joined())
        try await TestDaemon.with(.plaintextTCP, dispatcher) { daemon in
            let client = try await daemon.connect(.plaintextTCP)
            var peers: [RawPeer] = []
            for _ in 0..<flooders { peers.append(try await RawPeer.connect(daemon)) }
            for peer in peers { peer.channel.writeAndFlush(ByteBuffer(bytes: flood), promise: nil) }
            for _ in 0..<2 {
                let reply = try await client.request("reverse", [1, 2])
                #expect(reply == [2, 1])
            }
            let handledMeanwhile = handled.load(ordering: .relaxed)
            #expect(handledMeanwhile < flooders * each / 2)
            for peer in peers { await peer.close() }
            await client.close()
        }
    }
}
