internal import Cryptography
internal import OwnThread
internal import Testing

@testable import FileTransfer

/// Packets behind the seal that a peer of ours would never send.
@Suite("Packets of a peer that breaks the protocol", .ownThread)
struct HostilePacketTests {
    struct Packet: Sendable {
        var type: UInt8
        var flags: UInt8 = 0
        var stream: UInt16 = 0
        var sequence: UInt32?
        var offset: UInt64 = 0
        var length: Int?
        var use: UInt16 = 0
        var payload: [UInt8] = []
    }

    /// The next packet of the pair's sender, sealed.
    private func seal(_ packet: Packet, of pair: inout SessionPair) throws -> [UInt8] {
        let number = pair.sender.recovery.nextNumber
        pair.sender.recovery.sent(SentFrame(.ping), size: 100, now: pair.now)
        var bytes = [UInt8](repeating: 0, count: PacketHeader.length + packet.payload.count + PacketHeader.tagLength)
        bytes.replaceSubrange(PacketHeader.length..<PacketHeader.length + packet.payload.count, with: packet.payload)
        var header = PacketHeader(
            .ping,
            flags: PacketFlags(rawValue: packet.flags),
            stream: packet.stream,
            number: number,
            offset: packet.offset,
            payloadLength: packet.length ?? packet.payload.count,
            use: packet.use
        )
        header.type = packet.type
        if let sequence = packet.sequence { header.sequence = sequence }
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        header.write(to: &raw)
        try pair.sender.sealer.seal(&raw, number: number)
        return bytes
    }

    private func deliver(_ packet: Packet, in pair: inout SessionPair) throws {
        var bytes = try seal(packet, of: &pair)
        let size = bytes.count
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        pair.receiver.receive(&raw, segment: size, now: pair.now)
    }

    static let violations: [Packet] = [
        Packet(type: 0x00), Packet(type: 0x10), Packet(type: 0x1f), Packet(type: 0x40), Packet(type: 0xff),
        Packet(type: 0x20, flags: 0x20), Packet(type: 0x3f, flags: 0x20),
        Packet(type: 0x05, flags: 0x10, payload: [UInt8](repeating: 0, count: 16)),
        Packet(type: 0x05, sequence: 77, payload: [UInt8](repeating: 0, count: 16)),
        Packet(type: 0x05, length: 1), Packet(type: 0x05, length: 65_535), Packet(type: 0x05, payload: [1]),
        Packet(type: 0x02), Packet(type: 0x02, payload: [UInt8](repeating: 0xff, count: 13)),
        Packet(type: 0x02, payload: [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Packet(type: 0x03, offset: .max, payload: [1]), Packet(type: 0x03, offset: 1 << 40, payload: [1]),
        Packet(type: 0x03, payload: [0x77, 0, 0, 0, 0]), Packet(type: 0x03, payload: [1, 0, 2, 0, 0]),
        Packet(type: 0x03, payload: [2, 0, 0, 0, 0]), Packet(type: 0x03, payload: [4, 0, 0, 0, 1, 9]),
        Packet(type: 0x0E, payload: [1]), Packet(type: 0x0F, payload: [UInt8](repeating: 0, count: 10)),
        Packet(type: 0x07, payload: [1]), Packet(type: 0x0C), Packet(type: 0x0C, payload: [1]),
        Packet(type: 0x09), Packet(type: 0x09, stream: 1, payload: [1, 0, 0, 0, 0]),
        Packet(type: 0x09, stream: 2, payload: [1, 0, 0, 0, 0]),
        Packet(type: 0x09, stream: 129, payload: [1, 0, 0, 0, 0]),
        Packet(type: 0x09, stream: 0, payload: [1, 0, 0, 0, 0]),
        Packet(type: 0x09, stream: 1, payload: [9, 0, 0, 0, 0]),
    ]

    @Test(arguments: violations.indices)
    func `a packet that breaks a rule ends the session with CLOSE and a reason, and never traps`(_ index: Int) throws {
        var pair = try SessionPair([[1]])
        try deliver(Self.violations[index], in: &pair)
        let closing = pair.receiver.closing
        #expect(closing?.code == .violation, "\(Self.violations[index])")
        pair.run()
        guard case .closedByPeer(.violation, let reason) = pair.sender.end else {
            Issue.record("the peer does not know why")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test(arguments: [0x08, 0x06, 0x0D, 0x20, 0x3f] as [UInt8])
    func `what may be ignored is ignored, and the transfer goes on`(_ type: UInt8) throws {
        var pair = try SessionPair([[1, 2, 3]])
        try deliver(Packet(type: type, payload: [1, 2, 3]), in: &pair)
        pair.run()
        let isDone = pair.isDone
        #expect(isDone)
    }

    @Test func `data behind the end of a file, across a chunk or of a stream that is not open is not taken`() throws {
        for (offset, count) in [(300_000, 1), (262_143, 2), (UInt64.max, 1)] as [(UInt64, Int)] {
            var pair = try SessionPair([[UInt8](repeating: 1, count: 300_000)])
            try open(&pair)
            let payload = [UInt8](repeating: 1, count: count)
            try deliver(Packet(type: 1, stream: 1, offset: offset, payload: payload), in: &pair)
            #expect(pair.receiver.closing?.code == .violation)
        }
        var pair = try SessionPair([[1, 2, 3]])
        try open(&pair)
        let next = pair.receiver.received.next
        try deliver(Packet(type: 1, stream: 3, payload: [1]), in: &pair)
        let after = pair.receiver.received.next
        #expect(after == next)
        #expect(pair.receiver.closing == nil)
    }

    @Test(arguments: [0, 1, 2])
    func `a file whose bytes are not what its sender hashed gets no name, and the sender learns why`(_ wrong: Int)
        throws
    {
        let file = [UInt8](repeating: 1, count: 70_000)
        let digest = Array(BLAKE3.hash(file.span.bytes))
        let other = Array(BLAKE3.hash([UInt8]([9]).span.bytes))
        var pair = try SessionPair([file])
        var offset = try open(&pair)
        try deliver(Packet(type: 1, stream: 1, payload: Array(file[..<60_000])), in: &pair)
        try deliver(Packet(type: 1, flags: 2, stream: 1, offset: 60_000, payload: Array(file[60_000...])), in: &pair)
        let messages: [ControlMessage] = [
            .values(entry: 0, first: 0, [wrong == 1 ? other : digest]),
            .root(entry: 0, size: 70_000, digest: wrong == 2 ? other : digest),
        ]
        for message in messages {
            try deliver(Packet(type: 3, offset: offset, payload: message.encoded), in: &pair)
            offset += UInt64(message.encoded.count)
        }
        #expect(pair.sink.finished.isEmpty == (wrong > 0))
        let fault = pair.receiver.content.faults[0]
        #expect((fault != nil) == (wrong > 0))
        if wrong > 0 { #expect(fault?.hasSuffix("send the file again") == true) }
    }

    @Test func `an empty packet at the end of a file of whole chunks changes nothing`() throws {
        let file = [UInt8](repeating: 1, count: 262_144)
        var pair = try SessionPair([file])
        try open(&pair)
        try deliver(Packet(type: 1, stream: 1, offset: 262_144), in: &pair)
        try deliver(Packet(type: 1, flags: 2, stream: 1, offset: 262_144), in: &pair)
        try deliver(Packet(type: 1, stream: 1, offset: 100), in: &pair)
        #expect(pair.receiver.closing == nil)
        #expect(pair.receiver.content.receivedBytes == 0)
    }

    @Test func `an end without packet numbers closes once, and its copies do not trap`() throws {
        var pair = try SessionPair([[1, 2, 3]])
        while pair.receiver.recovery.hasNumbers {
            pair.receiver.recovery.sent(SentFrame(.ping), size: 100, now: pair.now)
        }
        var buffer = [UInt8](repeating: 0, count: 1_500)
        func send() -> Bool {
            var span = buffer.mutableSpan
            var bytes = span.mutableBytes
            return pair.receiver.send(into: &bytes, now: pair.now) != nil
        }
        try deliver(Packet(type: 0x00), in: &pair)
        #expect(send())
        let isEnded = pair.receiver.isEnded
        #expect(isEnded)
        for _ in 0..<3 {
            try deliver(Packet(type: 0x05, payload: [UInt8](repeating: 0, count: 16)), in: &pair)
            #expect(!send())
        }
    }

    private func record(_ entry: UInt32, _ bytes: [UInt8], size: Int? = nil, digest: [UInt8]? = nil) -> [UInt8] {
        var record: [UInt8] = []
        record.append(bigEndian: entry)
        record.append(bigEndian: UInt32(size ?? bytes.count))
        return record + (digest ?? Array(BLAKE3.hash(bytes.span.bytes))) + bytes
    }

    @Test func `a small file is made once, and only if its digest is right`() throws {
        let file: [UInt8] = [1, 2, 3]
        for isRight in [true, false] {
            var pair = try SessionPair([file])
            try open(&pair, .pack)
            let digest = isRight ? nil : [UInt8](repeating: 7, count: 32)
            let twice = record(0, file, digest: digest) + record(0, file)
            try deliver(Packet(type: 1, stream: 1, payload: twice), in: &pair)
            #expect(pair.sink.stored == (isRight ? 1 : 0))
            #expect((pair.receiver.content.faults[0] == nil) == isRight)
            #expect(pair.receiver.closing == nil)
        }
    }

    @Test func `a small file that was not offered, has another size or is large ends the session`() throws {
        let file: [UInt8] = [1, 2, 3]
        let records = [
            record(1, file), record(0, [1, 2]), record(0, [], size: 65_537), record(0, [], size: .max >> 33),
        ]
        for record in records {
            var pair = try SessionPair([file])
            try open(&pair, .pack)
            try deliver(Packet(type: 1, stream: 1, payload: record), in: &pair)
            #expect(pair.receiver.closing?.code == .violation)
            #expect(pair.sink.stored == 0)
        }
        // A second pack stream.
        var pair = try SessionPair([file])
        try open(&pair, .pack)
        try deliver(Packet(type: 9, stream: 3, payload: [2, 0, 0, 0, 0]), in: &pair)
        #expect(pair.receiver.closing?.code == .violation)
    }

    @Test func `a pack stream whose beginning never comes is bounded`() throws {
        var pair = try SessionPair([[1, 2, 3]])
        try open(&pair, .pack)
        pair.receiver.grantedBytes = 1 << 50
        for index in 1...OrderedReceiver.mostWaiting + 10 {
            let next = pair.receiver.received.next
            try deliver(Packet(type: 1, stream: 1, offset: UInt64(index * 2), payload: [5]), in: &pair)
            let after = pair.receiver.received.next
            #expect((after > next) == (index <= OrderedReceiver.mostWaiting))
        }
        #expect(pair.receiver.closing == nil)
    }

    @Test func `a root that comes twice ends the session, and a failure of what is here already changes nothing`()
        throws
    {
        let file = [UInt8](repeating: 1, count: 70_000)
        let digest = Array(BLAKE3.hash(file.span.bytes))
        var pair = try SessionPair([file])
        var offset = try open(&pair)
        func deliver(_ message: ControlMessage, in pair: inout SessionPair) throws {
            try self.deliver(Packet(type: 3, offset: offset, payload: message.encoded), in: &pair)
            offset += UInt64(message.encoded.count)
        }
        try deliver(.root(entry: 0, size: 70_000, digest: digest), in: &pair)
        #expect(pair.receiver.closing == nil)
        try deliver(.root(entry: 0, size: 70_000, digest: digest), in: &pair)
        #expect(pair.receiver.closing?.code == .violation)

        var other = try SessionPair([[1, 2, 3]])
        offset = try open(&other, .pack)
        try self.deliver(Packet(type: 1, stream: 1, payload: record(0, [1, 2, 3])), in: &other)
        let state = other.receiver.content.state
        #expect(state == .finished)
        try deliver(.failed(entry: 0, code: 1, reason: "gone"), in: &other)
        #expect(other.receiver.closing == nil)
        #expect(other.receiver.content.faults.isEmpty)
    }

    @Test func `more data than was admitted ends the session`() throws {
        var pair = try SessionPair([[UInt8](repeating: 5, count: 300_000)])
        try open(&pair)
        pair.receiver.grantedBytes = 1_000
        for offset in stride(from: 0, to: 2_000, by: 500) where pair.receiver.closing == nil {
            let payload = [UInt8](repeating: 5, count: 500)
            try deliver(Packet(type: 1, stream: 1, offset: UInt64(offset), payload: payload), in: &pair)
            // What would admit more.
            pair.receiver.grantedBytes = 1_000
        }
        #expect(pair.receiver.closing?.code == .violation)
    }

    @Test func `chunks of which only a byte arrives are bounded, and are not acknowledged beyond that`() throws {
        var pair = try SessionPair([[UInt8](repeating: 5, count: 70 * 262_144)])
        try open(&pair)
        for chunk in 0..<70 {
            let next = pair.receiver.received.next
            try deliver(Packet(type: 1, stream: 1, offset: UInt64(chunk) * 262_144, payload: [5]), in: &pair)
            let after = pair.receiver.received.next
            #expect((after > next) == (chunk < 64), "chunk \(chunk)")
        }
        #expect(pair.receiver.closing == nil)
    }

    @Test func `a file of any size costs nothing before it arrives, and values without chunks are bounded`() throws {
        var pair = try SessionPair([[1, 2, 3]])
        pair.sink.isSparse = true
        let end = try open(&pair, size: 1 << 60)
        var offset = end
        var values = 0
        while pair.receiver.closing == nil, values < 200_000 {
            let list = (0..<30).map { _ in [UInt8](repeating: 1, count: 32) }
            let message = ControlMessage.values(entry: 0, first: UInt64(values), list).encoded
            try deliver(Packet(type: 3, offset: offset, payload: message), in: &pair)
            offset += UInt64(message.count)
            values += 30
        }
        #expect(pair.receiver.closing?.reason == "too many values before their chunks")
        #expect((IncomingFile.mostClaims..<IncomingFile.mostClaims + 60).contains(values))
    }

    @Test func `entries are bounded before anything is accepted`() throws {
        var pair = try SessionPair([[1]])
        var offset: UInt64 = 0
        var number: UInt32 = 0
        let path = Array(repeating: Array(repeating: UInt8(ascii: "n"), count: 250), count: 16).joined(separator: [47])
        let offer = ControlMessage.offer(transfer: [UInt8](repeating: 0, count: 16), isOneFile: false, name: []).encoded
        try deliver(Packet(type: 3, offset: offset, payload: offer), in: &pair)
        offset += UInt64(offer.count)
        while pair.receiver.closing == nil, number < 30_000 {
            let entry = TransferEntry(
                number: number,
                kind: .folder,
                mode: 0o700,
                seconds: 0,
                nanoseconds: 0,
                size: 0,
                path: Array(path)
            )
            let message = ControlMessage.entry(entry).encoded
            try deliver(Packet(type: 3, offset: offset, payload: message), in: &pair)
            offset += UInt64(message.count)
            number += 1
        }
        #expect(pair.receiver.closing?.reason == "too many entries")
        #expect(Int(number) * 4_000 < FileReceiver.mostEntryBytes + 10_000)
    }

    /// Brings the pair to where the receiver has asked for entry 0, and opens stream 1 for it.
    @discardableResult
    private func open(_ pair: inout SessionPair, size: UInt64? = nil, _ kind: StreamKind = .file) throws -> UInt64 {
        let size = size ?? UInt64(pair.files.files[0].count)
        let entry = TransferEntry(
            number: 0,
            kind: .file,
            mode: 0o600,
            seconds: 0,
            nanoseconds: 0,
            size: size,
            path: [0x61]
        )
        var offset: UInt64 = 0
        let messages: [ControlMessage] = [
            .offer(transfer: [UInt8](repeating: 0, count: 16), isOneFile: true, name: []), .entry(entry),
            .end(entries: 1, bytes: size),
        ]
        for message in messages {
            try deliver(Packet(type: 3, offset: offset, payload: message.encoded), in: &pair)
            offset += UInt64(message.encoded.count)
        }
        pair.receiver.content.accept()
        while pair.receiver.content.hasWork { pair.receiver.content.work() }
        try deliver(Packet(type: 9, stream: 1, payload: [kind.rawValue, 0, 0, 0, 0]), in: &pair)
        return offset
    }
}
