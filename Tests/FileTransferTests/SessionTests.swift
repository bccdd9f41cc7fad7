internal import Cryptography
internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("A session that carries files", .ownThread)
struct SessionTests {
    @Test(arguments: [0, 1, 1_420, 262_143, 262_144, 262_145, 3_000_000])
    func `a file of any length arrives as it is`(_ length: Int) throws {
        let file = randomBytes(length, seed: 7)
        var pair = try SessionPair([file])
        pair.run()
        #expect(pair.sink.files[0] == file)
        #expect(pair.receiver.content.digests == [0: BLAKE3.hash(file.span.bytes)])
        #expect(pair.sender.content.digests == pair.receiver.content.digests)
        #expect(pair.sender.content.results == [0: .verified])
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
    }

    @Test func `small files that a slow disk makes later all arrive, and count when they are there`() throws {
        let files = (0..<1_500).map { [UInt8](repeating: UInt8($0 % 251), count: 1 + $0 % 90) }
        var pair = try SessionPair(files)
        pair.sink.isDurable = true
        var most = 0
        var steps = 0
        while pair.sender.end == nil || pair.receiver.end == nil {
            steps += 1
            pair.sink.isSlow = steps % 50 != 0
            guard pair.runOnce() else { break }
            let waiting = pair.receiver.content.storing.count
            #expect(waiting >= pair.sink.results.count)
            let received = pair.receiver.content.receivedBytes
            #expect(received <= files.prefix(pair.sink.stored - waiting).reduce(0) { $0 + UInt64($1.count) })
            most = max(most, waiting)
        }
        for (index, file) in files.enumerated() { #expect(pair.sink.files[UInt32(index)] == file) }
        let isDone = pair.isDone
        #expect(isDone && pair.sink.stored == files.count)
        #expect(most > 20)
        let receipt = pair.receiver.content.receipt
        #expect(receipt?.isDurable == true)
    }

    @Test func `no more than so many small files wait for the disk, however small they are`() throws {
        var pair = try SessionPair([[1], [2]])
        while pair.sink.stored < 2, pair.runOnce() { pair.sink.isSlow = true }
        let bytes: [UInt8] = [0]
        let digest = BLAKE3.hash(bytes.span.bytes)
        let end = UInt64(2 * (8 + BLAKE3.digestLength + 1))
        for entry in 2..<UInt32(FileReceiver.mostWaiting) { pair.receiver.content.storing[entry] = digest }
        let stream = try #require((0...64).first { pair.receiver.content.streams[$0] != nil })
        let number = UInt16(stream * 2 + 1)
        let refused = pair.receiver.content.receive(bytes.span.bytes, on: number, at: end)
        #expect(refused == nil)
        pair.receiver.content.storing[9] = nil
        let taken = pair.receiver.content.receive(bytes.span.bytes, on: number, at: end)
        #expect(taken == 1)
    }

    @Test(arguments: [1, 300])
    func `entries that are listed while others are announced arrive like the others`(listed: Int) throws {
        var pair = try SessionPair((0..<1_000).map { [UInt8(truncatingIfNeeded: $0)] }, listed: listed)
        pair.run()
        let (isDone, ends) = (pair.isDone, pair.ends)
        #expect(isDone, "\(ends)")
        #expect(pair.sink.stored == 1_000)
        let (one, total) = (pair.receiver.content.isOneFile, pair.sender.content.totalBytes)
        #expect(!one && total == 1_000)
    }

    @Test func `a transfer that is accepted before all entries are announced ends with the last of them`() throws {
        var pair = try SessionPair((0..<300).map { _ in [1] }, listed: 1)
        pair.sender.content.receive(.accept)
        pair.sender.content.receive(.want(entry: 1, chunks: []))
        let early = pair.sender.content.violation
        #expect(early != nil)
        var other = try SessionPair((0..<300).map { _ in [1] }, listed: 1)
        other.sender.content.receive(.accept)
        _ = other.sender.content.takeMessages()
        other.sender.content.receive(.received(entry: 0, status: .skipped, reason: ""))
        let (first, mustList) = (other.sender.content.state, other.sender.content.hasMessages)
        #expect(first == .accepted && mustList)
        for entry in UInt32(1)..<300 {
            while other.sender.content.hasMessages { _ = other.sender.content.takeMessages() }
            other.sender.content.receive(.received(entry: entry, status: .skipped, reason: ""))
        }
        let last = other.sender.content.state
        #expect(last == .finished)
    }

    @Test func `a sender that is refused lists nothing more`() throws {
        var pair = try SessionPair((0..<2_000).map { _ in [1] }, listed: 1)
        _ = pair.sender.content.takeMessages()
        pair.sender.content.receive(.refuse(code: 4, reason: "no"))
        let hasMessages = pair.sender.content.hasMessages
        #expect(!hasMessages && pair.files.hasMore)
    }

    @Test func `while small files wait for the disk, the sender gets no more credit`() throws {
        var pair = try SessionPair([[1]])
        let nothing: [UInt8] = []
        let digest = BLAKE3.hash(nothing.span.bytes)
        for entry in 0..<UInt32(256) { pair.receiver.content.storing[entry] = digest }
        pair.receiver.receivedBytes = pair.receiver.grantedBytes
        let before = pair.receiver.grantedBytes
        pair.receiver.admitMore()
        var after = pair.receiver.grantedBytes
        #expect(after == before)
        pair.receiver.content.storing[0] = nil
        pair.receiver.admitMore()
        after = pair.receiver.grantedBytes
        #expect(after == before + SessionParameters.creditWindow)
    }

    @Test func `more files than there are streams arrive, the numbers of streams are used again`() throws {
        let files = (0..<150).map { randomBytes($0 * 100, seed: UInt64($0)) }
        var pair = try SessionPair(files)
        pair.run()
        for (index, file) in files.enumerated() { #expect(pair.sink.files[UInt32(index)] == file) }
        #expect(pair.sender.content.state == .finished)
    }

    @Test(arguments: Seeds.first(16))
    func `files arrive over a path that loses, reorders, duplicates and damages`(_ seed: Int) throws {
        var path = SessionPair.Path()
        path.loss = UInt64(seed % 5) * 20
        path.reordering = UInt64(seed % 3) * 30
        path.duplication = UInt64(seed % 4) * 10
        path.damage = UInt64(seed % 2) * 10
        let files = [randomBytes(700_000, seed: UInt64(seed)), randomBytes(10, seed: 3), []]
        let congestion: CongestionControl.Algorithm = seed % 2 == 0 ? .cubic : .bbr
        var pair = try SessionPair(files, over: path, seed: UInt64(seed), congestion: congestion)
        pair.run()
        for (index, file) in files.enumerated() { #expect(pair.sink.files[UInt32(index)] == file) }
        #expect(pair.sender.content.results == [0: .verified, 1: .verified, 2: .verified])
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
    }

    @Test(arguments: Seeds.first(8))
    func `keys change every 64 packets, and the files arrive over a bad path`(_ seed: Int) throws {
        var path = SessionPair.Path()
        path.loss = UInt64(seed % 5) * 15
        path.reordering = UInt64(seed % 3) * 30
        path.duplication = UInt64(seed % 4) * 10
        let file = randomBytes(3_000_000, seed: UInt64(seed))
        var pair = try SessionPair([file], over: path, seed: UInt64(seed))
        // At once, so that a REKEY is the first packet of its epoch.
        let limit: UInt64 = seed > 6 ? 1 : 64
        pair.sender.frames.rekeying.packetLimit = limit
        if seed % 2 == 0 { pair.receiver.frames.rekeying.packetLimit = limit }
        pair.run()
        #expect(pair.sink.files[0] == file)
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
        let epochs = (pair.sender.sealer.epoch, pair.receiver.sealer.epoch)
        #expect(epochs.0 >= 5 && epochs.1 + 1 >= epochs.0)
    }

    @Test func `a session that is open long changes its keys, too`() throws {
        var pair = try SessionPair([[1]])
        pair.accepts = nil
        pair.run(seconds: 400)
        let epochs = (pair.sender.sealer.epoch, pair.receiver.sealer.epoch)
        #expect(epochs == (3, 3))
    }

    @Test func `a refusal reaches the sender with its reason`() throws {
        var pair = try SessionPair([[1, 2, 3]])
        pair.accepts = false
        pair.run()
        #expect(pair.sender.content.state == .refused(code: 4, reason: "not wanted"))
        #expect(pair.sink.files.isEmpty)
    }

    @Test func `a file that cannot be read to its end is reported to both, and the others arrive`() throws {
        let files = [randomBytes(900_000, seed: 1), randomBytes(100_000, seed: 2)]
        var pair = try SessionPair(files)
        pair.files.brokenFrom = (0, 262_144)
        pair.run()
        #expect(pair.sender.content.faults[0] == "the disk is broken")
        #expect(pair.receiver.content.faults[0] == "the sender says: the disk is broken")
        #expect(pair.sink.finished == [1])
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
    }

    @Test func `a full disk at the receiver is reported to the sender`() throws {
        var pair = try SessionPair([randomBytes(600_000, seed: 1)])
        pair.sink.isFull = true
        pair.run()
        #expect(pair.sender.content.results == [0: .failed])
        #expect(pair.sender.content.faults[0] == "the disk is full")
    }

    @Test func `a file that the receiver cannot write is not sent to its end, and the next one arrives`() throws {
        let files = [randomBytes(6_000_000, seed: 1), randomBytes(100_000, seed: 2)]
        var pair = try SessionPair(files)
        pair.sink.fullEntry = 0
        pair.run()
        #expect(pair.sender.content.results == [0: .failed, 1: .verified])
        // Some round trips' worth.
        #expect(pair.sender.content.movedBytes < 3_000_000)
        let isDone = pair.isDone
        #expect(isDone)
    }

    @Test func `an end whose peer is silent ends after the idle timeout, not before`() throws {
        var path = SessionPair.Path()
        path.loss = 1_000
        var pair = try SessionPair([[1]], over: path)
        let start = pair.now
        pair.run()
        #expect(pair.sender.end == .idle)
        #expect(pair.receiver.end == .idle)
        #expect((30_000_000_000..<31_000_000_000).contains(pair.now - start))
    }
}
