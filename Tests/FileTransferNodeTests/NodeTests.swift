internal import Cryptography
internal import FileTransferNode
internal import Foundation
internal import Identity
internal import TemporaryFolders
internal import Testing

/// The public library, between two nodes of one process.
@Suite("Node", .timeLimit(.minutes(2)))
struct NodeTests {
    private static func configuration(_ folder: TemporaryFolder) -> NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.interface = "127.0.0.1"
        configuration.folder = folder.file("in")
        return configuration
    }

    private static func sender() async throws -> Node {
        var configuration = NodeConfiguration()
        configuration.port = nil
        return try await Node(configuration)
    }

    /// Made of copies of a block: a byte at a time would keep the thread from other tests for seconds.
    private func write(_ count: Int, to path: String) throws -> Data {
        let block = Data(SampleFile.bytes(65_521))
        var data = Data(capacity: count)
        while data.count + block.count <= count { data.append(block) }
        data.append(block.prefix(count - data.count))
        try data.write(to: URL(fileURLWithPath: path))
        return data
    }

    private func content(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func digest(_ data: Data) -> [UInt8] {
        let bytes = [UInt8](data)
        return [UInt8](BLAKE3.hash(bytes.span.bytes))
    }

    /// What a node is offered, one after the other.
    private func eachOffer(
        _ node: Node,
        _ body: @escaping @Sendable (IncomingTransfer) async -> Void
    ) throws -> Task<Void, any Error> {
        let offers = try node.receive()
        return Task { for try await offer in offers { await body(offer) } }
    }

    private func code(_ body: () async throws -> Void) async -> NodeError.Code? {
        do {
            try await body()
            return nil
        } catch { return (error as? NodeError)?.code }
    }

    /// Waits, for 20 s at most.
    private func until(_ condition: () -> Bool) async throws {
        for _ in 0..<2_000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(condition())
    }

    @Test func `files and folders go from one to the other, verified`() async throws {
        let folder = try TemporaryFolder()
        let receiver = try await Node(Self.configuration(folder))
        let sender = try await Self.sender()
        let large = try write(3_000_000, to: folder.file("large"))
        try FileManager.default.createDirectory(atPath: folder.file("d/e"), withIntermediateDirectories: true)
        let small = try write(10, to: folder.file("d/e/small"))
        let received = AsyncStream<TransferResult>.makeStream()
        let offers = try eachOffer(receiver) { offer in
            #expect(offer.name == "large" && offer.peer == sender.id)
            #expect(
                (offer.entries, offer.totalSize) == (4, 3_000_010) || (offer.entries, offer.totalSize) == (1, 3_000_000)
            )
            let transfer = offer.accept()
            if let result = try? await transfer.completion() { received.continuation.yield(result) }
            #expect(transfer.progress == offer.totalSize && transfer.totalSize == offer.totalSize)
        }
        let ticket = try #require(receiver.ticket())
        let transfer = try await sender.send([folder.file("large"), folder.file("d")], to: ticket)
        #expect(transfer.peer == receiver.id && transfer.totalSize == 3_000_010)
        let sent = try await transfer.completion()
        let here = try #require(await received.stream.first { _ in true })
        #expect(sent.isComplete && here.isComplete)
        #expect(sent.movedBytes == 3_000_010 && sent.keptBytes == 0 && sent.bytes == 3_000_010)
        #expect(sent.files.map(\.path) == ["large", "d", "d/e", "d/e/small"].map { folder.file($0) })
        #expect(here.files.map(\.path) == ["large", "d", "d/e", "d/e/small"].map { folder.file("in/" + $0) })
        #expect(here.files[0].outcome == .verified(blake3: digest(large)))
        #expect(here.files[1].outcome == .verified(blake3: nil))
        #expect(here.files[3].outcome == .verified(blake3: digest(small)))
        #expect(try self.content(folder.file("in/large")) == large)
        #expect(here.peer == sender.id && sent.peer == receiver.id)
        // What is there is skipped.
        let again = try await sender.send([folder.file("large")], to: ticket).completion()
        #expect(again.files[0].outcome == .skipped && again.movedBytes == 0 && again.keptBytes == 3_000_000)
        offers.cancel()
        await receiver.shutdown()
    }

    @Test func `peers are admitted by their ID, and others are refused`() async throws {
        let folder = try TemporaryFolder()
        let (sender, stranger) = (try await Self.sender(), try await Self.sender())
        var configuration = Self.configuration(folder)
        let id = sender.id
        configuration.admission = .peers { $0 == id }
        let receiver = try await Node(configuration)
        #expect(receiver.ticket() == nil)
        let offers = try eachOffer(receiver) { _ = $0.accept() }
        let content = try write(100, to: folder.file("f"))
        let place = "\(receiver.id)@\(try #require(receiver.boundAddress))"
        let peer = try await sender.connect(to: place)
        #expect(peer.id == receiver.id && peer.address == receiver.boundAddress)
        #expect(peer.roundTripTime > .zero && peer.roundTripTime < .seconds(10))
        #expect(try await sender.send([folder.file("f")], to: peer).completion().isComplete)
        #expect(try self.content(folder.file("in/f")) == content)
        let refused = await code { _ = try await stranger.sendFile(at: folder.file("f"), to: place).completion() }
        #expect(refused == .refused)
        offers.cancel()
        await receiver.shutdown()
    }

    @Test func `an offer is refused with a reason, when it is dropped, and when no one waits for offers`()
        async throws
    {
        let folder = try TemporaryFolder()
        let receiver = try await Node(Self.configuration(folder))
        let sender = try await Self.sender()
        _ = try write(100, to: folder.file("f"))
        let ticket = try #require(receiver.ticket())
        let offers = try eachOffer(receiver) { $0.refuse("not today") }
        do {
            _ = try await sender.sendFile(at: folder.file("f"), to: ticket).completion()
            Issue.record("it was accepted")
        } catch {
            #expect(error.code == .refused && error.message.contains("not today"))
        }
        offers.cancel()
        _ = try? await offers.value
        let dropping = try eachOffer(receiver) { _ in }
        let dropped = await code { _ = try await sender.sendFile(at: folder.file("f"), to: ticket).completion() }
        #expect(dropped == .refused)
        dropping.cancel()
        _ = try? await dropping.value
        let unheard = await code { _ = try await sender.sendFile(at: folder.file("f"), to: ticket).completion() }
        #expect(unheard == .refused)
        // They wait in the sequence; when that is gone, so are they.
        var unread: IncomingTransfers? = try receiver.receive()
        let waiting = try await sender.sendFile(at: folder.file("f"), to: ticket)
        try await Task.sleep(for: .milliseconds(500))
        withExtendedLifetime(unread) {}
        unread = nil
        #expect(await code { _ = try await waiting.completion() } == .refused)
        #expect(!FileManager.default.fileExists(atPath: folder.file("in/f")))
        await receiver.shutdown()
    }

    @Test(arguments: [true, false])
    func `a paused transfer stands still, and goes on`(isPausedBySender: Bool) async throws {
        let folder = try TemporaryFolder()
        let receiver = try await Node(Self.configuration(folder))
        let sender = try await Self.sender()
        // More than a receiver admits at once.
        let content = try write(40_000_000, to: folder.file("f"))
        let accepted = AsyncStream<Transfer>.makeStream()
        let offers = try eachOffer(receiver) { accepted.continuation.yield($0.accept()) }
        var settings = SendSettings()
        settings.rateLimit = 40_000_000
        let transfer = try await sender.send([folder.file("f")], to: try #require(receiver.ticket()), settings)
        let arriving = try #require(await accepted.stream.first { _ in true })
        try await until { arriving.progress > 1_000_000 }
        let paused = isPausedBySender ? transfer : arriving
        paused.pause()
        var last: UInt64 = 0
        // Nothing comes anymore when what was admitted is there.
        for _ in 0..<100 where last != arriving.progress {
            last = arriving.progress
            try await Task.sleep(for: .milliseconds(400))
        }
        #expect(arriving.progress == last && last < 40_000_000)
        #expect(last < (isPausedBySender ? 20_000_000 : 30_000_000))
        paused.resume()
        #expect(try await transfer.completion().isComplete)
        #expect(try await arriving.completion().isComplete)
        #expect(try self.content(folder.file("in/f")) == content)
        offers.cancel()
        await receiver.shutdown()
    }

    @Test(arguments: [true, false])
    func `either end cancels, the other one learns it, and the next transfer continues`(isCanceledBySender: Bool)
        async throws
    {
        let folder = try TemporaryFolder()
        let receiver = try await Node(Self.configuration(folder))
        let sender = try await Self.sender()
        let content = try write(4_000_000, to: folder.file("f"))
        let accepted = AsyncStream<Transfer>.makeStream()
        let offers = try eachOffer(receiver) { accepted.continuation.yield($0.accept()) }
        let ticket = try #require(receiver.ticket())
        var settings = SendSettings()
        settings.rateLimit = 3_000_000
        let transfer = try await sender.send([folder.file("f")], to: ticket, settings)
        let arriving = try #require(await accepted.stream.first { _ in true })
        try await until { arriving.progress > 800_000 }
        #expect(arriving.rate > 0 && transfer.rate > 0 && transfer.timeLeft ?? .zero > .zero)
        (isCanceledBySender ? transfer : arriving).cancel()
        let here = await code { _ = try await arriving.completion() }
        let there = await code { _ = try await transfer.completion() }
        #expect(here == (isCanceledBySender ? .refused : .cancelled))
        #expect(there == (isCanceledBySender ? .cancelled : .refused))
        let rest = try await sender.send([folder.file("f")], to: ticket).completion()
        #expect(rest.isComplete && rest.keptBytes >= 262_144)
        #expect(try self.content(folder.file("in/f")) == content)
        offers.cancel()
        await receiver.shutdown()
    }

    @Test func `a node that was shut down has told its peers, and takes nothing more`() async throws {
        let folder = try TemporaryFolder()
        let receiver = try await Node(Self.configuration(folder))
        let sender = try await Self.sender()
        _ = try write(4_000_000, to: folder.file("f"))
        let accepted = AsyncStream<Transfer>.makeStream()
        let offers = try eachOffer(receiver) { accepted.continuation.yield($0.accept()) }
        var settings = SendSettings()
        settings.rateLimit = 4_000_000
        let transfer = try await sender.send([folder.file("f")], to: try #require(receiver.ticket()), settings)
        let arriving = try #require(await accepted.stream.first { _ in true })
        await receiver.shutdown()
        #expect(await code { _ = try await arriving.completion() } == .cancelled)
        #expect(await code { _ = try await transfer.completion() } == .refused)
        // The sequence has ended.
        try await offers.value
        #expect(await code { _ = try receiver.receive() } == .shutDown)
        #expect(await code { _ = try await receiver.sendFile(at: folder.file("f"), to: "x") } == .invalidRecipient)
        let ticket = try #require(receiver.ticket())
        #expect(await code { _ = try await receiver.sendFile(at: folder.file("f"), to: ticket) } == .shutDown)
        // Its folder and its port are free.
        var configuration = Self.configuration(folder)
        configuration.port = receiver.boundAddress?.split(separator: ":").last.flatMap { UInt16($0) }
        let next = try await Node(configuration)
        #expect(next.boundAddress == receiver.boundAddress)
        await receiver.shutdown()
        await sender.shutdown()
        #expect(await code { _ = try await sender.connect(to: ticket) } == .shutDown)
    }

    @Test func `a sequence of offers keeps its node, and a node without one ends`() async throws {
        let folder = try TemporaryFolder()
        let sender = try await Self.sender()
        _ = try write(10, to: folder.file("f"))
        var receiver: Node? = try await Node(Self.configuration(folder))
        let ticket = try #require(receiver?.ticket())
        var offers: IncomingTransfers? = try receiver?.receive()
        weak let node = receiver
        receiver = nil
        let transfer = try await sender.sendFile(at: folder.file("f"), to: ticket)
        for try await offer in try #require(offers) {
            _ = offer.accept()
            break
        }
        #expect(try await transfer.completion().isComplete)
        #expect(node != nil)
        offers = nil
        try await until { node == nil }
        // The folder is free soon.
        var again: Node?
        for _ in 0..<500 where again == nil {
            again = try? await Node(Self.configuration(folder))
            if again == nil { try await Task.sleep(for: .milliseconds(10)) }
        }
        #expect(again != nil)
    }

    @Test func `what is not possible fails at once`() async throws {
        let folder = try TemporaryFolder()
        let sender = try await Self.sender()
        let ticket = try #require(try await Node(Self.configuration(folder)).ticket())
        _ = try write(1, to: folder.file("f"))
        #expect(await code { _ = try sender.receive() } == .local)
        #expect(await code { _ = try await sender.sendFile(at: folder.file("none"), to: ticket) } == .local)
        #expect(await code { _ = try await sender.send([], to: ticket) } == .local)
        var settings = SendSettings()
        for rate in [Double.nan, -1, .infinity, 1e300, 9_999] {
            settings.rateLimit = rate
            #expect(await code { _ = try await sender.send([folder.file("f")], to: ticket, settings) } == .local)
        }
        #expect(await code { _ = try await sender.send(["/etc/host\0name"], to: ticket) } == .local)
        for recipient in ["", "courier:1", "PP-1@h:1", "host", "\(sender.id)@h:99999"] {
            let found = await code { _ = try await sender.sendFile(at: folder.file("f"), to: recipient) }
            #expect(found == .invalidRecipient, "\(recipient)")
        }
        for change in [
            { (it: inout NodeConfiguration) in it.interface = "lo" },
            { $0.maxTransfers = 0 },
            { $0.identityPath = folder.file("f") },
            { $0.folder = folder.file("f") },
        ] {
            var configuration = Self.configuration(folder)
            change(&configuration)
            let found = await code { _ = try await Node(configuration) }
            #expect(found == .local)
        }
    }

    @Test func `a peer that does not answer fails the transfer within ten seconds`() async throws {
        let folder = try TemporaryFolder()
        let ticket = try #require(try await Node(Self.configuration(folder)).ticket())
        _ = try write(1, to: folder.file("f"))
        // Its node is gone, and the socket with it.
        let sender = try await Self.sender()
        let transfer = try await sender.sendFile(at: folder.file("f"), to: ticket)
        let start = ContinuousClock.now
        #expect(await code { _ = try await transfer.completion() } == .network)
        #expect(ContinuousClock.now - start > .seconds(5))
        // That wait can be canceled, too.
        let second = try await sender.sendFile(at: folder.file("f"), to: ticket)
        second.cancel()
        #expect(await code { _ = try await second.completion() } == .cancelled)
    }
}
