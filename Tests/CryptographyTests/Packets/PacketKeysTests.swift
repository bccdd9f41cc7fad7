internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Keys of packets", .ownThread)
struct PacketKeysTests {
    typealias Algorithm = RecordCipher.Algorithm

    private static func derived(_ context: StaticString, _ material: [UInt8], count: Int = 32) -> [UInt8] {
        Array(BLAKE3.deriveKey(context, from: Secret(material)).prefix(count))
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) }
    }

    @Test(arguments: Algorithm.allCases, PacketDirection.allCases)
    func `all keys of an epoch are derived as the protocol has it`(_ algorithm: Algorithm, _ direction: PacketDirection)
    {
        var root = Self.derived("courier/1 root", PacketEnds.k1 + PacketEnds.k2)
        for epoch in 0..<3 as Range<UInt32> {
            let keys = PacketEnds.keys(algorithm, direction, epoch: epoch, base: UInt64(epoch))
            let m = root + [direction.rawValue] + Self.bigEndian(epoch)
            let (keyEpoch, base, keyDirection) = (keys.epoch, keys.base, keys.direction)
            #expect(keyEpoch == epoch && base == UInt64(epoch) && keyDirection == direction)
            let (packetKey, headerKey) = (Array(keys.packetKey), Array(keys.headerKey))
            #expect(packetKey == Self.derived("courier/1 packet key", m))
            #expect(headerKey == Self.derived("courier/1 header key", m))
            let prefix = Self.derived("courier/1 nonce prefix", m, count: algorithm == .aes256GCM ? 4 : 16)
            let noncePrefix = Array(keys.noncePrefix)
            #expect(noncePrefix == prefix)
            let ids = keys.connectionIDs
            for index in 0..<8 as Range<UInt8> {
                let id = Self.derived("courier/1 connection id", m + [index], count: 8)
                #expect(ids[Int(index)] == id.reduce(0) { $0 << 8 | UInt64($1) })
            }
            root = Self.derived(
                "courier/1 next root",
                root + [UInt8](repeating: UInt8(epoch), count: 32) + [UInt8](repeating: 0x11, count: 32)
                    + [UInt8](repeating: 0x22, count: 32) + Self.bigEndian(epoch + 1)
            )
        }
    }

    @Test(arguments: Algorithm.allCases)
    func `no two keys, prefixes or connection IDs are equal, over epochs and directions`(_ algorithm: Algorithm) {
        var seen: Set<[UInt8]> = []
        var ids: Set<UInt64> = []
        for epoch in 0..<4 as Range<UInt32> {
            for direction in PacketDirection.allCases {
                let keys = PacketEnds.keys(algorithm, direction, epoch: epoch)
                seen.formUnion([Array(keys.packetKey), Array(keys.headerKey), Array(keys.noncePrefix)])
                for index in keys.connectionIDs.indices { ids.insert(keys.connectionIDs[index]) }
            }
        }
        #expect(seen.count == 4 * 2 * 3)
        #expect(ids.count == 4 * 2 * 8)
    }

    @Test(arguments: Algorithm.allCases)
    func `generations step from the key of the base`(_ algorithm: Algorithm) {
        let contexts = CipherContexts()
        let keys = PacketEnds.keys(algorithm, base: 7)
        let prefix = Array(keys.noncePrefix)
        var expected = Array(keys.packetKey)
        var ratchet = PacketKeyRatchet(keys, contexts: contexts)
        for generation in 7..<12 as Range<UInt64> {
            let current = ratchet.generation
            #expect(current == generation)
            var other = RecordCipher(algorithm, key: expected, noncePrefix: prefix, contexts: contexts)
            var cipher = ratchet.cipher()
            var one = PacketEnds.unsealed(3, payload: 9)
            var two = one
            one.withUnsafeMutableBytes { buffer in
                var raw = MutableRawSpan(_unsafeBytes: buffer)
                cipher.sealPacket(&raw, connectionID: 1, number: 2)
            }
            two.withUnsafeMutableBytes { buffer in
                var raw = MutableRawSpan(_unsafeBytes: buffer)
                other.sealPacket(&raw, connectionID: 1, number: 2)
            }
            #expect(one == two)
            expected = Self.derived("courier/1 next packet key", expected)
            ratchet.step()
        }
    }

    @Test func `the limits are those of RFC 9001, section 6 6, and of an epoch`() {
        let aes = PacketLimits(.aes256GCM)
        #expect(aes.sealedUnderOneKey == 8_388_608 && aes.failedToOpen == 4_503_599_627_370_496)
        let chaCha = PacketLimits(.xChaCha20Poly1305)
        #expect(chaCha.sealedUnderOneKey == 4_611_686_018_427_387_904 && chaCha.failedToOpen == 68_719_476_736)
        #expect(aes.sealedInOneEpoch == 4_000_000 && chaCha.sealedInOneEpoch == 4_000_000)
    }

    @Test func `secrets and representatives of another length end the process with a reason`() async {
        await #expect(processExitsWith: .failure) {
            _ = PacketRoot(k1: Secret([UInt8](repeating: 1, count: 31)), k2: Secret([UInt8](repeating: 1, count: 33)))
        }
        await #expect(processExitsWith: .failure) { Self.makeNext(31, 32, 32) }
        await #expect(processExitsWith: .failure) { Self.makeNext(32, 33, 31) }
        await #expect(processExitsWith: .failure) { Self.makeNext(32, 31, 33) }
        await #expect(processExitsWith: .success) { Self.makeNext(32, 32, 32) }
    }

    private static func makeNext(_ secret: Int, _ initiator: Int, _ responder: Int) {
        _ = PacketEnds.root().next(
            sharedSecret: Secret([UInt8](repeating: 1, count: secret)),
            initiatorRepresentative: [UInt8](repeating: 1, count: initiator),
            responderRepresentative: [UInt8](repeating: 1, count: responder)
        )
    }
}
