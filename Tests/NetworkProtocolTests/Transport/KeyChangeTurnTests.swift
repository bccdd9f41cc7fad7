internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Key changes that must wait, because others of their event loop came before them.
@Suite("A peer whose key changes wait for their turn", .timeLimit(.minutes(2)))
struct KeyChangeTurnTests {
    /// Makes so many wait on every event loop that a new one waits for at least a third of a second.
    private func takeTurns() async throws {
        let count = Int(Duration.milliseconds(334) / KeyChangeTurns.shortestPause) * KeyChangeTurns.perRound
        for eventLoop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            try await eventLoop.submit {
                let turns = KeyChangeTurns.of(eventLoop)
                for _ in 0..<count { turns.wait {} }
            }.get()
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func
        `a peer whose key changes wait for their turn loses nothing, waits for the second alone, and others do not wait`(
            _ transport: TestTransport
        ) async throws
    {
        try await TestDaemon.with(transport) { daemon in
            var peer = try await SealedPeer.connect(daemon)
            let other = try await daemon.connect(transport)
            let start = ContinuousClock.now
            try await takeTurns()
            let first = try peer.keyChange() + peer.record(Message.echo("first").payload())
            let second = try peer.keyChange() + peer.record(Message.echo("second").payload())
            try await peer.raw.send(first + second)
            #expect(try await peer.receive() == .echo("first"))
            #expect(try await other.request("reverse", [1, 2]) == [2, 1])
            #expect(try await peer.receive() == .echo("second"))
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            await other.close()
        }
    }

    @Test(arguments: [TestTransport.sealedTCP, .sealedUnix])
    func `a peer whose key changes wait for their turn ends as it says, though it closes meanwhile`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport) { daemon in
            var peer = try await SealedPeer.connect(daemon, halfCloses: true)
            try await takeTurns()
            let changes = try peer.keyChange() + peer.keyChange()
            try await peer.raw.send(changes + peer.record(Message.disconnect.payload()))
            try await peer.raw.channel.close(mode: .output)
            let ending = await daemon.nextEnding()
            #expect(ending == .closedByPeer)
        }
    }

    @Test
    func
        `a peer whose key changes wait for their turn is one of a few in a round, and others that the event loop has to serve come before the next`()
        async throws
    {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let order = Mutex<[Int]>([])
        let rounds = 5
        let done = eventLoop.makePromise(of: Void.self)
        try await eventLoop.submit {
            let turns = KeyChangeTurns.of(eventLoop)
            for number in 1...rounds * KeyChangeTurns.perRound {
                turns.wait {
                    order.withLock { $0.append(number) }
                    // Another message that arrives in the meantime.
                    if number % KeyChangeTurns.perRound == 1 { eventLoop.execute { order.withLock { $0.append(0) } } }
                    if number == rounds * KeyChangeTurns.perRound { eventLoop.execute { done.succeed() } }
                }
            }
        }.get()
        try await done.futureResult.get()
        // Other changes of this process may wait among them, so a round may contain fewer.
        let found = order.withLock { $0 }
        #expect(found.filter { $0 > 0 } == Array(1...rounds * KeyChangeTurns.perRound))
        var round = 0
        for (index, number) in found.enumerated() where number == 0 {
            round += 1
            let last = found[..<index].max() ?? 0
            #expect(last <= round * KeyChangeTurns.perRound, "what came in round \(round) was served after \(last)")
        }
        #expect(round == rounds)
    }

    @Test
    func
        `a peer whose key changes wait for their turn is cut all the same when nothing follows, or what does not open`()
        async throws
    {
        try await TestDaemon.with(.sealedTCP) { daemon in
            var peer = try await SealedPeer.connect(daemon, halfCloses: true)
            try await takeTurns()
            try await peer.raw.send(try peer.keyChange() + peer.keyChange())
            try await peer.raw.channel.close(mode: .output)
            let truncated = await daemon.nextEnding()
            #expect(truncated == .truncated)

            var forger = try await SealedPeer.connect(daemon)
            try await takeTurns()
            let change = try forger.keyChange()
            try await forger.raw.send(change + packet([UInt8](repeating: 1, count: 16), flags: .encrypted))
            let forged = await daemon.nextEnding()
            #expect(forged == .notAuthentic)

            // And one that is gone when its turn comes.
            var gone = try await SealedPeer.connect(daemon)
            try await takeTurns()
            try await gone.raw.send(try gone.keyChange() + gone.keyChange())
            try await gone.raw.channel.reset()
            _ = await daemon.nextEnding()
        }
    }
}
