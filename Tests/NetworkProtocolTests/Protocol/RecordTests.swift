internal import Cryptography
internal import NIOCore
internal import Testing

@testable import NetworkProtocol

/// Sealers and openers cannot be copied, as the macro does with the values that it examines.
private func expect<Value: Equatable>(
    _ value: Value,
    _ expected: Value,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(value == expected, sourceLocation: sourceLocation)
}

@Suite("Sealed records")
struct RecordTests {
    static let secret = Secret([UInt8](repeating: 3, count: 32))
    let start = ContinuousClock.now
    let contexts = CipherContexts()

    func sealed(_ payload: [UInt8], _ sealer: inout RecordSealer, flags: PacketFlags = .encrypted) throws -> Packet {
        let header = try PacketHeader(flags: flags, payloadLength: payload.count + 16)
        var bytes = payload + [UInt8](repeating: 0, count: 16)
        let headerBytes = header.bytes
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        sealer.seal(&raw, header: headerBytes.span.bytes)
        return Packet(header: header, payload: bytes)
    }

    @Test func `sealed records open in their order, whatever their length`() throws {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        for count in [1, 15, 16, 17, 64, 1_000, 70_000] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            expect(opener.open(try sealed(payload, &sealer)), payload)
        }
    }

    @Test func `a record that is repeated, left out or out of order does not open`() throws {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        let records = [try sealed([1], &sealer), try sealed([2], &sealer), try sealed([3], &sealer)]
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        expect(opener.open(records[0]), [1])
        expect(opener.open(records[0]), nil)
        var second = RecordOpener(secret: Self.secret, contexts: contexts)
        expect(second.open(records[1]), nil)
        var third = RecordOpener(secret: Self.secret, contexts: contexts)
        expect(third.open(records[0]), [1])
        expect(third.open(records[2]), nil)
    }

    @Test func `a record sent back to its sender does not open`() throws {
        // Each direction has its own key: what this side receives is sealed with another one.
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        var opener = RecordOpener(secret: Secret([UInt8](repeating: 4, count: 32)), contexts: contexts)
        expect(opener.open(try sealed([1], &sealer)), nil)
    }

    @Test func `the header is authenticated with the payload`() throws {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        let record = try sealed([1, 2, 3], &sealer)
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        let changed = Packet(
            header: try PacketHeader(flags: [.encrypted, .lz4], payloadLength: record.payload.count),
            payload: record.payload
        )
        expect(opener.open(changed), nil)
    }

    @Test func `what is not marked as sealed, or too short, does not open`() throws {
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        expect(opener.open(Packet(header: try PacketHeader(flags: [], payloadLength: 4), payload: [0, 0, 0, 0])), nil)
        expect(
            opener.open(
                Packet(
                    header: try PacketHeader(flags: .encrypted, payloadLength: 15),
                    payload: [UInt8](repeating: 0, count: 15)
                )
            ),
            nil
        )
    }

    @Test func `an empty record changes the key, and the old one opens nothing more`() throws {
        var fresh = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        var reader = RecordOpener(secret: Self.secret, contexts: contexts)
        let first = try sealed([1], &fresh)
        let change = try sealed([], &fresh)
        fresh.rekey(now: start)
        let second = try sealed([2], &fresh)
        expect(reader.open(first), [1])
        expect(reader.open(change), [])
        expect(reader.open(second), [2])
        #expect(first.payload != second.payload)
        // A side that misses the change opens nothing.
        var unaware = RecordOpener(secret: Self.secret, contexts: contexts)
        expect(unaware.open(first), [1])
        expect(unaware.open(second), nil)
    }

    @Test func `a key is changed after so many records, and after an hour`() throws {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start, records: 3)
        expect(sealer.mustRekey(now: start), false)
        expect(sealer.mustRekey(now: start + .seconds(3_600)), true)
        _ = try sealed([1], &sealer)
        expect(sealer.mustRekey(now: start), false)
        _ = try sealed([2], &sealer)
        expect(sealer.mustRekey(now: start), true)
        sealer.rekey(now: start)
        expect(sealer.mustRekey(now: start), false)
        #expect(RekeyLimits.records == 1 << 32)
    }

    @Test func `a batch is sealed where it lies, with a change of the key before it where the numbers would not last`()
        throws
    {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start, records: 4)
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        var writer = PacketWriter()
        var changes: [Bool] = []
        for batch in [1, 2, 1, 3, 1] as [UInt8] {
            // What was added before the keys existed stays in the clear.
            writer.append([0xEE], [], isSealed: false)
            for number in 0..<batch { writer.append([UInt8](repeating: number, count: 100), .lz4, isSealed: true) }
            var bytes = writer.take()
            let change = sealer.seal(Int(batch), packetsOf: &bytes, now: start)
            changes.append(change != nil)
            var decoder = PacketDecoder()
            var input = (change.map { Array(buffer: $0) } ?? [])[...]
            while let packet = try decoder.next(&input) { expect(opener.open(packet), []) }
            input = Array(buffer: bytes)[...]
            #expect(try decoder.next(&input)?.payload == [0xEE])
            for number in 0..<batch {
                let packet = try #require(try decoder.next(&input))
                #expect(packet.header.flags == [.encrypted, .lz4] && packet.payload.count == 116)
                expect(opener.open(packet), [UInt8](repeating: number, count: 100))
            }
            #expect(try decoder.next(&input) == nil)
        }
        // Three records of data, then the empty one.
        #expect(changes == [false, false, true, true, true])
    }

    @Test func `a batch an hour later begins with a change of the key`() throws {
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: start)
        var writer = PacketWriter()
        for (hours, changed) in [(0.9, false), (1.1, true), (1.9, false)] {
            writer.append([1], [], isSealed: true)
            var bytes = writer.take()
            let change = sealer.seal(1, packetsOf: &bytes, now: start + .seconds(3_600 * hours))
            #expect((change != nil) == changed)
        }
    }
}
