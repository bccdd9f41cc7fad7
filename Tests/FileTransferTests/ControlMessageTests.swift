internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Control messages", .ownThread)
struct ControlMessageTests {
    private static let entry = TransferEntry(
        number: 3,
        kind: .symbolicLink,
        mode: 0o777,
        seconds: -5,
        nanoseconds: 999_999_999,
        size: 0,
        path: Array("a/b".utf8),
        target: Array("../c".utf8)
    )

    static let messages: [ControlMessage] = [
        .offer(transfer: [UInt8](0..<16), isOneFile: true, name: [0xff, 0x41]),
        .accept,
        .refuse(code: 4, reason: "no"),
        .entry(entry),
        .end(entries: 7, bytes: 1 << 40),
        .want(entry: 1, chunks: [0..<3, 3..<4, 9..<10]),
        .values(entry: 1, first: 2, [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)]),
        .root(entry: 1, size: 2, digest: [UInt8](repeating: 3, count: 32)),
        .received(entry: 1, status: .failed, reason: "disk"),
        .failed(entry: 1, code: 2, reason: "gone"),
    ]

    private func parse(_ bytes: [UInt8]) throws -> ControlMessage {
        try ControlMessage(type: bytes[0], body: Array(bytes.dropFirst(5)))
    }

    @Test(arguments: messages)
    func `a message is read as it was written, and no part of it is a message`(_ message: ControlMessage) throws {
        let bytes = message.encoded
        #expect(try parse(bytes) == message)
        // Texts and names may end anywhere, and so may lists between their items.
        for count in 5..<bytes.count {
            let part = try? parse(Array(bytes.prefix(count)))
            #expect(part != message)
        }
    }

    @Test(arguments: 0..<400)
    func `changed messages are read as others or refused, and never trap`(_ seed: Int) throws {
        var bytes = Self.messages[seed % Self.messages.count].encoded
        let random = randomBytes(8, seed: UInt64(seed))
        if bytes.count > 5 {
            bytes[5 + Int(random[0]) % (bytes.count - 5)] = random[1]
            if random[2] < 64 { bytes.removeLast(min(bytes.count - 5, Int(random[3] % 9))) }
            if random[2] > 192 { bytes += random }
        }
        if random[4] < 32 { bytes[0] = random[5] }
        guard let message = try? parse(bytes) else { return }
        #expect(try parse(message.encoded) == message)
    }

    @Test(arguments: [
        "", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/..", "a\0b", String(repeating: "n", count: 256),
    ])
    func `a name that could leave the folder, or that no file has, is refused`(_ name: String) {
        var entry = Self.entry
        entry.path = Array(name.utf8)
        #expect(!TransferEntry.isSafe(entry.path))
        #expect(throws: ControlMessage.Malformed.self) { _ = try parse(ControlMessage.entry(entry).encoded) }
    }

    @Test(arguments: ["a", ".a", "..a", "...", "a/.b/..c/d", "a..", String(repeating: "n", count: 255), "é\n\u{1}"])
    func `other names are not`(_ name: String) {
        #expect(TransferEntry.isSafe(Array(name.utf8)))
    }

    @Test func `ranges of entries that are empty, too many or too high are refused`() {
        for (first, count) in [(0, 0), (UInt32.max, 1), (1, UInt32.max)] as [(UInt32, UInt32)] {
            var body: [UInt8] = []
            body.append(bigEndian: first)
            body.append(bigEndian: count)
            for type in [12, 13] as [UInt8] {
                #expect(throws: ControlMessage.Malformed.self) { _ = try ControlMessage(type: type, body: body) }
            }
        }
        let many = (0..<1_025 as Range<UInt32>).map { $0 * 2..<$0 * 2 + 1 }
        #expect(throws: ControlMessage.Malformed.self) { _ = try parse(ControlMessage.verified(many).encoded) }
        #expect(throws: ControlMessage.Malformed.self) { _ = try parse(ControlMessage.wantSmall([]).encoded) }
    }

    @Test func `ranges that overlap, descend, are empty or overflow are refused`() {
        for chunks in [[3..<4, 2..<3], [0..<2, 1..<3]] as [[Range<UInt64>]] {
            #expect(throws: ControlMessage.Malformed.self) {
                _ = try parse(ControlMessage.want(entry: 0, chunks: chunks).encoded)
            }
        }
        for (first, count) in [(0, 0), (UInt64.max, 1), (1 << 60, 1 << 60)] as [(UInt64, UInt64)] {
            var body: [UInt8] = [0, 0, 0, 0]
            body.append(bigEndian: first)
            body.append(bigEndian: count)
            #expect(throws: ControlMessage.Malformed.self) { _ = try ControlMessage(type: 6, body: body) }
        }
    }

    @Test(arguments: 1...50)
    func `the control stream is whole again after any order, loss and repetition`(_ seed: Int) throws {
        var sender = OrderedSender(credit: 100_000)
        var receiver = ControlReceiver(window: 100_000)
        for message in Self.messages { sender.write(message.encoded) }
        var random = randomBytes(4_000, seed: UInt64(seed))[...]
        func next() -> UInt8 { random.popFirst() ?? 200 }
        var flying: [Range<UInt64>] = []
        var bytes = [UInt8](repeating: 0, count: 64)
        var got: [ControlMessage] = []
        while !sender.isAcknowledged {
            if next() < 128, let run = sender.take(atMost: 1 + Int(next() % 50)) {
                flying.append(run)
                continue
            }
            guard !flying.isEmpty else { continue }
            let run = flying.remove(at: Int(next()) % flying.count)
            if next() < 60 {
                sender.lose(run)
                continue
            }
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            sender.copy(run, to: &raw, at: 0)
            for _ in 0...(next() < 40 ? 1 : 0) {
                #expect(receiver.receive(bytes.span.bytes.extracting(..<run.count), at: run.lowerBound) == .taken)
            }
            while let (type, body) = try receiver.next() { got.append(try ControlMessage(type: type, body: body)) }
            sender.acknowledge(run)
        }
        #expect(got == Self.messages)
    }

    @Test func `bytes beyond the credit are a violation, and what waits behind gaps is bounded`() {
        var receiver = ControlReceiver(window: 1_000)
        let byte: [UInt8] = [1]
        #expect(receiver.receive(byte.span.bytes, at: 1_000) == .overCredit)
        #expect(receiver.receive(byte.span.bytes, at: .max) == .overCredit)
        var wide = ControlReceiver(window: 1 << 40)
        for offset in 1...OrderedReceiver.mostWaiting {
            #expect(wide.receive(byte.span.bytes, at: UInt64(offset * 2)) == .taken)
        }
        // Not acknowledged, so it comes again when there is room.
        #expect(wide.receive(byte.span.bytes, at: 1 << 30) == .refused)
        var long = ControlReceiver(window: 1 << 40)
        let mebibyte = [UInt8](repeating: 1, count: 1 << 20)
        for offset in 0..<16 { #expect(long.receive(mebibyte.span.bytes, at: UInt64(offset) << 20 + 1) == .taken) }
        #expect(long.receive(mebibyte.span.bytes, at: 1 << 30) == .refused)
    }
}
