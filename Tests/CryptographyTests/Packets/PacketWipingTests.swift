internal import CFieldProbe
internal import OwnThread
internal import Testing

@testable import Cryptography

/// Looks through the memory of a process of its own: in that of all tests, mappings come and go meanwhile.
@Suite("Keys of packets are overwritten", .ownThread)
struct PacketWipingTests {
    typealias Algorithm = RecordCipher.Algorithm

    /// Secrets that are like no others in this process, as complements.
    private struct Hidden {
        let k1: [UInt8]
        let k2: [UInt8]

        init() {
            var generator = SystemRandomNumberGenerator()
            k1 = (0..<32).map { _ in UInt8.random(in: 0...254, using: &generator) }
            k2 = (0..<32).map { _ in UInt8.random(in: 0...254, using: &generator) }
        }

        func root() -> PacketRoot { PacketRoot(k1: Secret(k1.lazy.map { ~$0 }), k2: Secret(k2.lazy.map { ~$0 })) }

        func next() -> PacketRoot {
            root().next(
                sharedSecret: Secret([UInt8](repeating: 1, count: 32)),
                initiatorRepresentative: [UInt8](repeating: 1, count: 32),
                responderRepresentative: [UInt8](repeating: 1, count: 32)
            )
        }
    }

    /// The complement of a secret, without its first bytes, over which the allocator writes.
    private static func trace(_ secret: Secret) -> ProcessMemory { trace(secret.map { ~$0 }) }
    private static func trace(_ complement: [UInt8]) -> ProcessMemory {
        ProcessMemory(lookingFor: complement[16...])
    }

    private static func occurrences(_ memory: ProcessMemory) throws -> Int {
        outpost_overwrite_dead_stack()
        return try memory.occurrences()
    }

    /// The packet keys of generations 0…3, as they are in a cipher. XChaCha20's cipher holds a derived key too, which
    /// has other bytes; the ratchet holds these.
    private static func generations(_ hidden: Hidden, _ algorithm: Algorithm) -> [ProcessMemory] {
        let keys = PacketKeys(hidden.root(), .fromInitiator, algorithm)
        var traces: [ProcessMemory] = []
        var secret = Secret(keys.packetKey)
        let prefix = Array(keys.noncePrefix)
        for _ in 0..<4 {
            switch algorithm {
            case .aes256GCM: traces.append(trace(secret))
            case .xChaCha20Poly1305:
                var words = HChaCha20.subkey(key: secret, prefix: prefix)
                var complement: [UInt8] = []
                for index in words.indices {
                    for shift in 0..<4 as Range<UInt32> {
                        complement.append(~UInt8(truncatingIfNeeded: words[index] >> (8 * shift)))
                    }
                }
                Wiping.wipe(&words)
                traces.append(trace(complement))
            }
            secret = BLAKE3.deriveKey("courier/1 next packet key", from: secret)
        }
        return traces
    }

    @Test func `a sealer holds the key of its generation only, and none when it is gone`() async {
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkSealer(.xChaCha20Poly1305) }
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkSealer(.aes256GCM) }
    }

    private static func checkSealer(_ algorithm: Algorithm) throws {
        let hidden = Hidden()
        let traces = generations(hidden, algorithm)
        do {
            let sealer = Sealer(PacketKeys(hidden.root(), .fromInitiator, algorithm))
            for generation in 0..<4 {
                _ = try sealer.packet(UInt64(generation) << 16, payload: 100)
                let found = try traces.map { try occurrences($0) > 0 }
                #expect(found == (0..<4).map { $0 == generation }, "generation \(generation)")
            }
        }
        #expect(try traces.map { try occurrences($0) } == [0, 0, 0, 0])
    }

    @Test func `an opener holds the keys of its generation and its neighbors, until it forgets them`() async {
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkOpener(.xChaCha20Poly1305) }
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkOpener(.aes256GCM) }
    }

    private static func checkOpener(_ algorithm: Algorithm) throws {
        let hidden = Hidden()
        let traces = generations(hidden, algorithm)
        var expected: [Bool] = []
        do {
            let sealer = Sealer(PacketKeys(hidden.root(), .fromInitiator, algorithm))
            let packets = try (0..<4).map { try sealer.packet($0 << 16, payload: 100) }
            let last = try sealer.packet(3 << 16 + 8192)
            let opener = Opener(PacketKeys(hidden.root(), .fromInitiator, algorithm))
            for generation in 0..<4 {
                #expect(opener.outcome(packets[generation]) == .opened(UInt64(generation) << 16))
                // The sealer has that of generation 3.
                expected = (0..<4).map { $0 == generation || $0 == generation - 1 || $0 == 3 }
                #expect(try traces.map { try occurrences($0) > 0 } == expected, "generation \(generation)")
            }
            opener.forgetOldKeys()
            #expect(try traces.map { try occurrences($0) > 0 } == expected)
            #expect(opener.outcome(last) == .opened(3 << 16 + 8192))
            opener.forgetOldKeys()
            #expect(try traces.map { try occurrences($0) > 0 } == [false, false, false, true])
        }
        #expect(try traces.map { try occurrences($0) } == [0, 0, 0, 0])
    }

    @Test func `no secret of an epoch is left when both ends have left it`() async {
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkEpochs(.xChaCha20Poly1305) }
        await #expect(processExitsWith: .success) { try PacketWipingTests.checkEpochs(.aes256GCM) }
    }

    private static func checkEpochs(_ algorithm: Algorithm) throws {
        let hidden = Hidden()
        var traces: [ProcessMemory] = []
        do {
            let keys = PacketKeys(hidden.root(), .fromInitiator, algorithm)
            traces = [trace(hidden.k1), trace(hidden.k2), trace(hidden.root().secret)]
            traces += [trace(keys.packetKey), trace(keys.headerKey)]
            // A control: those that are needed are found.
            let found = try traces.map { try occurrences($0) > 0 }
            #expect(found == [false, false, false, true, true])
            let epoch = keys.epoch
            #expect(epoch == 0)
        }
        let sealer = Sealer(PacketKeys(hidden.root(), .fromInitiator, algorithm))
        let opener = Opener(PacketKeys(hidden.root(), .fromInitiator, algorithm))
        let first = try sealer.packet(0, payload: 100)
        #expect(opener.outcome(first) == .opened(0))
        #expect(try occurrences(traces[4]) > 0)
        try opener.begin(PacketKeys(hidden.next(), .fromInitiator, algorithm))
        sealer.begin(PacketKeys(hidden.next(), .fromInitiator, algorithm))
        let second = try sealer.packet(1, payload: 100)
        #expect(opener.outcome(second) == .opened(1, epoch: 1))
        #expect(try occurrences(traces[4]) > 0)
        opener.forgetOldKeys()
        #expect(try traces.map { try occurrences($0) } == [0, 0, 0, 0, 0])
        let third = try sealer.packet(2, payload: 100)
        #expect(opener.outcome(third) == .opened(2, epoch: 1))
    }
}
