internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Sealing packets", .ownThread)
struct PacketSealerTests {
    typealias Algorithm = RecordCipher.Algorithm

    @Test(arguments: Algorithm.allCases)
    func `a sealed packet is the one of the protocol document`(_ algorithm: Algorithm) throws {
        let keys = PacketEnds.keys(algorithm, .fromResponder)
        let packetKey = Array(keys.packetKey)
        let headerKey = Secret(keys.headerKey)
        let prefix = Array(keys.noncePrefix)
        let id = keys.connectionIDs[3]
        let sealer = Sealer(keys)
        let number: UInt64 = 0x9876
        let packet = try sealer.packet(number, payload: 100, path: 3)
        #expect(packet.count == 152)
        #expect(packet.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } == id)
        var cipher = RecordCipher(algorithm, key: packetKey, noncePrefix: prefix, contexts: CipherContexts())
        let header = Array(packet.prefix(8)) + [0, 0, 0, 0, 0, 0, 0x98, 0x76]
        var sealed = Array(packet[16...])
        let isAuthentic = sealed.withUnsafeMutableBytes { buffer in
            var raw = MutableRawSpan(_unsafeBytes: buffer)
            return cipher.open(&raw, counter: number, authenticating: header.span.bytes)
        }
        #expect(isAuthentic)
        #expect(Array(sealed.dropLast(16)) == PacketEnds.plaintext(number, payload: 100))
        let mask: UInt64
        switch algorithm {
        case .xChaCha20Poly1305:
            mask = BLAKE3.keyedHash(packet.span.bytes.extracting(16..<32), key: headerKey).prefix(8)
                .reduce(0) { $0 << 8 | UInt64($1) }
        case .aes256GCM:
            var headers = HeaderProtection(algorithm, key: headerKey)
            var copy = packet
            var span = copy.mutableSpan
            headers.collect(span.mutableBytes, at: 0)
            headers.computeMasks()
            mask = headers.mask(0)
        }
        #expect(packet[8..<16].reduce(0) { $0 << 8 | UInt64($1) } == number ^ mask)
    }

    @Test(arguments: Algorithm.allCases)
    func `packets that are sealed together are those that are sealed one by one`(_ algorithm: Algorithm) throws {
        let single = Sealer(PacketEnds.keys(algorithm))
        let batch = Sealer(PacketEnds.keys(algorithm))
        var next: UInt64 = 0
        // The batches of 64 and more cross the limits of the masks, the one at 65 500 that of a generation.
        let batches: [(count: UInt64, payload: Int, last: Int, start: UInt64)] = [
            (1, 0, 0, 0), (1, 30, 30, 1), (2, 30, 0, 2), (44, 100, 99, 4), (63, 10, 10, 100), (64, 10, 1, 200),
            (65, 10, 10, 300), (200, 3, 0, 400), (130, 7, 5, 65_500), (3, 1400, 7, 131_071),
        ]
        for (count, payload, last, start) in batches {
            #expect(start >= next)
            let numbers = start..<start + count
            let together = try batch.packets(numbers, payload: payload, last: last, path: 2)
            let alone = try numbers.flatMap { number in
                try single.packet(number, payload: number == numbers.upperBound - 1 ? last : payload, path: 2)
            }
            #expect(together == alone, "\(count) packets")
            next = start + count
            #expect(batch.nextNumber == next && single.nextNumber == next)
            #expect(batch.sealedInEpoch == single.sealedInEpoch)
        }
        #expect(batch.sealedInEpoch == 573)
        var nothing = MutableRawSpan()
        try batch.value.seal(&nothing, length: 100, firstNumber: next)
        #expect(batch.nextNumber == next)
    }

    @Test(arguments: Algorithm.allCases)
    func `nothing beside a packet changes`(_ algorithm: Algorithm) throws {
        var bytes = (0..<200).map { UInt8($0) }
        let before = bytes
        let sealer = Sealer(PacketEnds.keys(algorithm))
        try bytes.withUnsafeMutableBytes { buffer in
            var packet = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: buffer[50..<150]))
            try sealer.value.seal(&packet, number: 0)
        }
        #expect(bytes[..<50] == before[..<50] && bytes[150...] == before[150...])
        #expect(bytes[50..<150] != before[50..<150])
    }

    @Test(arguments: Algorithm.allCases)
    func `a key that is used up seals no more, and the next generation does`(_ algorithm: Algorithm) throws {
        var limits = PacketLimits(algorithm)
        limits.sealedUnderOneKey = 5
        let sealer = Sealer(PacketEnds.keys(algorithm), limits: limits)
        _ = try sealer.packets(0..<4, payload: 1, last: 1)
        #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.packets(4..<6, payload: 1, last: 1) }
        #expect(sealer.nextNumber == 4)
        _ = try sealer.packet(4)
        #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.packet(5) }
        // Two of the old generation, then of the next one.
        #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.packets(65_534..<65_538, payload: 1, last: 1) }
        #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.packets(65_536..<65_542, payload: 1, last: 1) }
        _ = try sealer.packets(65_536..<65_541, payload: 1, last: 1)
        #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.packet(65_541) }
    }

    @Test func `a refused packet stays as it was`() throws {
        var limits = PacketLimits(.aes256GCM)
        limits.sealedUnderOneKey = 1
        let sealer = Sealer(PacketEnds.keys(.aes256GCM), limits: limits)
        var bytes = PacketEnds.unsealed(0, payload: 5) + PacketEnds.unsealed(1, payload: 5)
        let before = bytes
        bytes.withUnsafeMutableBytes { buffer in
            var raw = MutableRawSpan(_unsafeBytes: buffer)
            #expect(throws: PacketSealer.Failure.keyUsedUp) { try sealer.value.seal(&raw, length: 57, firstNumber: 0) }
        }
        #expect(bytes == before && sealer.nextNumber == 0 && sealer.sealedInEpoch == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `an epoch that is used up seals no more, and the next epoch does`(_ algorithm: Algorithm) throws {
        var limits = PacketLimits(algorithm)
        limits.sealedInOneEpoch = 10
        let sealer = Sealer(PacketEnds.keys(algorithm), limits: limits)
        _ = try sealer.packets(0..<9, payload: 1, last: 1)
        #expect(throws: PacketSealer.Failure.epochUsedUp) { try sealer.packets(9..<11, payload: 1, last: 1) }
        _ = try sealer.packet(65_536)
        #expect(throws: PacketSealer.Failure.epochUsedUp) { try sealer.packet(65_537) }
        sealer.begin(PacketEnds.keys(algorithm, epoch: 1, base: 1))
        #expect(sealer.epoch == 1 && sealer.sealedInEpoch == 0)
        _ = try sealer.packet(65_537)
        #expect(sealer.sealedInEpoch == 1)
    }

    @Test func `numbers that go back, short packets, other paths and other epochs end the process with a reason`() async
    {
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            _ = try sealer.packet(5)
            _ = try sealer.packet(5)
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            _ = try sealer.packets(0..<4, payload: 0, last: 0)
            _ = try sealer.packet(3)
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            var bytes = [UInt8](repeating: 0, count: 51)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            try sealer.value.seal(&raw, number: 0)
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            var bytes = [UInt8](repeating: 0, count: 100 + 51)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            try sealer.value.seal(&raw, length: 100, firstNumber: 0)
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            _ = try sealer.packet(0, path: 8)
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            sealer.begin(PacketEnds.keys(.aes256GCM, epoch: 2))
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            sealer.begin(PacketEnds.keys(.aes256GCM, .fromResponder, epoch: 1))
        }
        await #expect(processExitsWith: .failure) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            sealer.begin(PacketEnds.keys(.aes256GCM, epoch: 1, base: 1))
        }
        await #expect(processExitsWith: .success) {
            let sealer = Sealer(PacketEnds.keys(.aes256GCM))
            _ = try sealer.packet(1 << 16)
            sealer.begin(PacketEnds.keys(.aes256GCM, epoch: 1, base: 1))
            _ = try sealer.packet(1 << 16 + 1, payload: 0, path: 7)
        }
    }
}
