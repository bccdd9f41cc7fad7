internal import Cryptography
internal import OwnThread
internal import Testing

@testable import FileTransfer

// Objects of a pair get a name before they are changed: with the thread sanitizer, Swift 6.3.1 does not compile a
// change through a value that cannot be copied.

@Suite("A transfer that continues an earlier one", .ownThread)
struct ResumptionTests {
    private static let length = BLAKE3.Piece.length
    private static let file = randomBytes(10 * length + 1_000, seed: 3)

    private func known(_ chunks: [UInt64], of file: [UInt8] = file) -> KnownChunks {
        var known = KnownChunks()
        let values = chunkValues(of: file)
        for chunk in chunks { known.add(chunk, values[Int(chunk)]) }
        return known
    }

    private func pair(_ start: EntryStart, part: [UInt8] = file, path: SessionPair.Path = .init()) throws -> SessionPair
    {
        let pair = try SessionPair([Self.file], over: path)
        let sink = pair.sink
        sink.files[0] = part
        sink.starts[0] = start
        return pair
    }

    @Test(arguments: [[0], [10], [0, 1, 2, 3], [1, 3, 5, 7, 9], [4, 5, 6, 10], Array(0...10)] as [[UInt64]])
    func `only what is missing moves, and the file is verified as a whole`(_ chunks: [UInt64]) throws {
        var pair = try pair(.partial(known(chunks)))
        pair.run()
        let missing = (0...10 as ClosedRange<UInt64>).filter { !chunks.contains($0) }
        #expect((pair.sink.written[0] ?? []).sorted() == missing)
        #expect(pair.receiver.content.digests == [0: BLAKE3.hash(Self.file.span.bytes)])
        #expect(pair.sink.rechecked.isEmpty)
        let kept = chunks.reduce(0) { $0 + ($1 == 10 ? 1_000 : UInt64(Self.length)) }
        #expect(pair.receiver.content.keptBytes == kept)
        #expect(pair.sender.content.keptBytes == kept)
        #expect(pair.sender.content.movedBytes == UInt64(Self.file.count) - kept)
        let isDone = pair.isDone
        #expect(isDone)
    }

    @Test(arguments: Seeds.first(12))
    func `that holds over a bad path, with any set of chunks`(_ seed: Int) throws {
        var path = SessionPair.Path()
        path.loss = UInt64(seed % 4) * 20
        path.reordering = 30
        let bits = randomBytes(11, seed: UInt64(seed))
        let chunks = (0...10 as ClosedRange<UInt64>).filter { bits[Int($0)] % 2 == 0 }
        var pair = try pair(.partial(known(chunks)), path: path)
        pair.run()
        #expect(pair.sink.files[0] == Self.file)
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
    }

    @Test func `chunks whose values the sender knows are not read again`() throws {
        var pair = try pair(.partial(known([0, 1, 2, 3, 4])))
        let source = pair.files
        source.known[0] = chunkValues(of: Self.file)
        pair.run()
        #expect(pair.files.chunks.sorted() == [5, 6, 7, 8, 9, 10])
        let isDone = pair.isDone
        #expect(isDone)
        #expect(pair.files.finished == [0])
    }

    @Test func `chunks that are not proven are hashed again, and damaged ones come again`() throws {
        var part = Self.file
        part[2 * Self.length + 5] ^= 1
        part[7 * Self.length] ^= 128
        var pair = try pair(.unproven(known(Array(0...8))), part: part)
        pair.run()
        #expect(pair.sink.rechecked == Array(0...8))
        #expect((pair.sink.written[0] ?? []).sorted() == [2, 7, 9, 10])
        #expect(pair.sink.files[0] == Self.file)
        #expect(pair.sink.kept[0]?.numbers == [0, 1, 3, 4, 5, 6, 8])
        let notices = pair.receiver.content.notices
        #expect(notices.count == 1 && notices[0].contains("2 of 9 chunks") && notices[0].contains("(2, 7)"))
    }

    @Test func `a file that changed at the sender since is received as it is now`() throws {
        var old = Self.file
        old[3 * Self.length] ^= 1
        old[4 * Self.length] ^= 1
        old[9 * Self.length] ^= 1
        var pair = try pair(.partial(known([0, 1, 2, 3, 4, 5, 9, 10], of: old)), part: old)
        pair.run()
        #expect(pair.sink.files[0] == Self.file)
        #expect((pair.sink.written[0] ?? []).sorted() == [3, 4, 6, 7, 8, 9])
        #expect(pair.receiver.content.notices.first?.contains("3 chunks come again") == true)
        let isDone = pair.isDone
        #expect(isDone)
    }

    @Test func `a bit that flipped in a chunk that counts as verified does not pass as the sender's file`() throws {
        // The journal's value, too: a part of another file.
        var other = Self.file
        other[0] ^= 1
        var chunks = known([1, 2, 3])
        chunks.add(0, chunkValues(of: other)[0])
        var pair = try pair(.partial(chunks), part: other)
        pair.run()
        #expect(pair.sink.files[0] == Self.file)
        #expect(pair.receiver.content.digests == [0: BLAKE3.hash(Self.file.span.bytes)])
    }

    @Test func `a source whose known values are not its content is reported as changed`() throws {
        var pair = try pair(.missing)
        var values = chunkValues(of: Self.file)
        values[6] = values[5]
        let source = pair.files
        source.known[0] = values
        pair.run()
        #expect(pair.sender.content.faults[0]?.contains("changed while it was sent") == true)
        #expect(pair.sink.finished.isEmpty)
        // What is known is forgotten, so that the next transfer can succeed.
        #expect(pair.files.finished == [0])
    }

    @Test func `a file that changes while it is sent gets no name at the receiver`() throws {
        var pair = try pair(.missing)
        pair.files.changesAfter = 5
        pair.run()
        #expect(pair.sender.content.faults == [0: "it changed"])
        #expect(pair.receiver.content.faults == [0: "the sender says: it changed"])
        #expect(pair.sink.finished.isEmpty)
    }

    @Test func `what is skipped does not move`() throws {
        var pair = try SessionPair([randomBytes(10, seed: 1), Self.file, randomBytes(20, seed: 2)])
        pair.sink.starts = [0: .skipped, 1: .skipped]
        pair.run()
        #expect(pair.sender.content.results == [0: .skipped, 1: .skipped, 2: .verified])
        #expect(pair.sink.stored == 1)
        #expect(pair.sink.ends == 1)
        #expect(pair.sender.content.keptBytes == UInt64(Self.file.count) + 10)
    }

    @Test func `hashing what the receiver has does not keep the session silent`() throws {
        // A file of which only the last chunk is missing: the sender hashes all others in steps.
        let file = randomBytes(40 * Self.length, seed: 5)
        var pair = try SessionPair([file])
        let sink = pair.sink
        sink.files[0] = file
        sink.starts[0] = .partial(known(Array(0..<39), of: file))
        var steps = 0
        _ = pair.sender.content.takeMessages()
        pair.sender.content.receive(.accept)
        pair.sender.content.receive(.want(entry: 0, chunks: [39..<40]))
        while pair.sender.content.next(atMost: 1_400, credit: 1_000_000) == nil, steps < 100 {
            let hasWork = pair.sender.content.hasWork
            #expect(hasWork)
            let before = pair.files.reads
            pair.sender.content.work()
            #expect(pair.files.reads - before <= 4)
            steps += 1
        }
        #expect(steps == 10)
    }

    @Test func `a receiver that asks for what was not offered, or too often, ends the session`() throws {
        let files = [Self.file, randomBytes(10, seed: 1)]
        let wrong: [[ControlMessage]] = [
            [.want(entry: 1, chunks: [0..<1])], [.want(entry: 2, chunks: [])], [.want(entry: 0, chunks: [11..<12])],
            [.want(entry: 0, chunks: [0..<1]), .want(entry: 0, chunks: [1..<2])], [.wantSmall([0..<1])],
            [.wantSmall([1..<3])], [.wantSmall([1..<2]), .wantSmall([1..<2])], [.wantSmall([1..<2, 1..<2])],
            [.verified([0..<3])], [.verified([1..<2, 1..<2])], [.verified([0..<UInt32.max])],
            [.received(entry: 9, status: .failed, reason: "")], [.accept], [.end(entries: 1, bytes: 1)],
        ]
        for messages in wrong {
            var pair = try SessionPair(files)
            _ = pair.sender.content.takeMessages()
            pair.sender.content.receive(.accept)
            for message in messages { pair.sender.content.receive(message) }
            let violation = pair.sender.content.violation
            #expect(violation != nil, "\(messages)")
        }
        var pair = try SessionPair(files)
        _ = pair.sender.content.takeMessages()
        pair.sender.content.receive(.accept)
        var requests = 0
        while pair.sender.content.violation == nil, requests < 100 {
            pair.sender.content.receive(.want(entry: 0, chunks: []))
            requests += 1
            while pair.sender.content.next(atMost: 1_400, credit: 1_000) != nil || pair.sender.content.hasWork {
                pair.sender.content.work()
            }
        }
        #expect(requests == 9)
    }
}
