internal import Cryptography
internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Sessions whose ends change their addresses", .ownThread)
struct MigrationTests {
    enum Mover: CaseIterable, Sendable { case sender, receiver, both }

    /// Some hundred round trips of 20 ms at most.
    private func pair(_ bytes: Int, loss: UInt64 = 0, seed: UInt64 = 1) throws -> SessionPair {
        var path = SessionPair.Path()
        path.delay = 500_000
        path.receiveBuffer = 30_000
        path.loss = loss
        return try SessionPair([randomBytes(bytes, seed: 9)], over: path, seed: seed)
    }

    private func run(_ pair: inout SessionPair, until bytes: UInt64) {
        while pair.sender.content.movedBytes < bytes, pair.runOnce() {}
    }

    private func expectDone(_ pair: inout SessionPair, _ bytes: Int) {
        pair.run()
        let isWhole = pair.sink.files[0] == randomBytes(bytes, seed: 9)
        #expect(isWhole)
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
    }

    @Test(arguments: Mover.allCases, [0, 30] as [UInt64])
    func `an end whose address changes in mid-transfer is followed, and the file arrives`(
        _ mover: Mover,
        _ loss: UInt64
    ) throws {
        let bytes = 1_000_000
        var pair = try pair(bytes, loss: loss)
        run(&pair, until: 300_000)
        let before = pair.now
        if mover != .receiver { pair.senderAddress = 300 }
        if mover == .receiver { pair.receiverAddress = 400 }
        if mover == .both {
            run(&pair, until: 600_000)
            pair.receiverAddress = 400
        }
        expectDone(&pair, bytes)
        let destinations = pair.destinations
        #expect(destinations == (pair.receiverAddress, pair.senderAddress))
        // Much less than the idle timeout.
        #expect(pair.now - before < 8_000_000_000)
    }

    @Test(arguments: [Mover.sender, .receiver], [0, 20] as [UInt64])
    func `twenty changes in a row are followed, with new connection IDs`(_ mover: Mover, _ loss: UInt64) throws {
        let bytes = 2_000_000
        var pair = try pair(bytes, loss: loss, seed: 5)
        for step in 1...20 {
            run(&pair, until: UInt64(step) * 80_000)
            if mover == .sender {
                pair.senderAddress = 300 + 100 * step
            } else {
                pair.receiverAddress = 300 + 100 * step
            }
        }
        expectDone(&pair, bytes)
        let destinations = pair.destinations
        #expect(destinations == (pair.receiverAddress, pair.senderAddress))
        let epochs = (pair.sender.sealer.epoch, pair.receiver.sealer.epoch)
        #expect(epochs.0 >= 2 && epochs.1 >= 2)
    }

    @Test func `another port keeps what is known of the path, another host does not`() throws {
        for (address, keeps) in [(201, true), (300, false)] {
            let bytes = 1_000_000
            var pair = try pair(bytes)
            run(&pair, until: 500_000)
            let size = pair.sender.datagramSize
            #expect(size == 1_472)
            pair.receiverAddress = address
            while pair.destinations.ofSender != address, pair.runOnce() {}
            let after = (pair.sender.recoveryPath, pair.sender.datagramSize, pair.sender.paths.connectionIndex)
            #expect(after == (keeps ? 0 : 1, keeps ? 1_472 : 1_200, 1))
            let time = pair.sender.recovery.paths[pair.sender.recoveryPath].time.latest
            #expect((time != nil) == keeps)
            expectDone(&pair, bytes)
            let later = pair.sender.datagramSize
            #expect(later == 1_472)
        }
    }

    @Test func `what was outstanding on the old path counts nothing on the new one, and is sent again`() throws {
        let bytes = 600_000
        var pair = try pair(bytes)
        run(&pair, until: 300_000)
        pair.receiverAddress = 300
        while pair.destinations.ofSender != 300, pair.runOnce() {}
        let window = pair.sender.recovery.paths[1].controller.window
        #expect(window >= 12_000)
        while pair.sender.leavesPathAt != nil, pair.runOnce() {}
        let inFlight = pair.sender.recovery.paths[0].inFlight
        #expect(inFlight == 0)
        expectDone(&pair, bytes)
    }

    @Test func `a receiver that only acknowledges is noticed at its new address long before the idle timeout`() throws {
        let bytes = 2_000_000
        var pair = try pair(bytes)
        run(&pair, until: 1_000_000)
        while pair.receiver.recovery.nextDeadline != nil { pair.runOnce() }
        pair.receiverAddress = 300
        let before = pair.now
        // The acknowledgments that it still owes do not arrive, and it owes no more: what is sent goes to where it was.
        pair.path.loss = 1_000
        while pair.now - before < 200_000_000, pair.runOnce() {}
        pair.path.loss = 0
        while pair.destinations.ofSender != 300, pair.runOnce() {}
        let silence = pair.now - before
        #expect(silence < 2_000_000_000, "\(silence)")
        expectDone(&pair, bytes)
    }

    // MARK: Who only copies

    @Test(arguments: [1, 2, 3, 9], [0, 20] as [UInt64])
    func `copies that arrive first from elsewhere move nothing, and get at most three times their bytes`(
        _ count: Int,
        _ loss: UInt64
    ) throws {
        let bytes = 300_000
        var pair = try pair(bytes, loss: loss)
        pair.copiers = (0..<count).map { 900 + 100 * $0 }
        pair.run()
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
        let isWhole = pair.sink.files[0] == randomBytes(bytes, seed: 9)
        #expect(isWhole)
        let destinations = pair.destinations
        #expect(destinations == (200, 100))
        var challenged = 0
        for copier in pair.copiers {
            let (from, to) = (pair.bytesFrom[copier] ?? 0, pair.bytesTo[copier] ?? 0)
            #expect(to <= 3 * from)
            challenged += to
        }
        #expect(challenged > 0)
        // Challenges of four packets for each time that an address is taken up, not an answer to each packet.
        if count < PeerPaths.most { #expect(challenged <= 2 * count * 5 * 1_200) }
    }

    @Test func `a session that someone copies still follows its peer`() throws {
        let bytes = 1_000_000
        var pair = try pair(bytes)
        pair.copiers = [900, 1_000]
        pair.copyEvery = 3
        run(&pair, until: 300_000)
        pair.receiverAddress = 300
        expectDone(&pair, bytes)
        let destinations = pair.destinations
        #expect(destinations == (300, 100))
    }
}
