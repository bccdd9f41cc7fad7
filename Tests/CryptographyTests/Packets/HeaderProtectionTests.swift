internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Header protection", .ownThread)
struct HeaderProtectionTests {
    typealias Algorithm = RecordCipher.Algorithm

    /// A packet with this sample.
    private static func packet(_ sample: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0xaa, count: 16) + sample + [UInt8](repeating: 0xbb, count: 20)
    }

    private static func mask(_ algorithm: Algorithm, key: [UInt8], sample: [UInt8]) -> UInt64 {
        var headers = HeaderProtection(algorithm, key: Secret(key))
        return masks(&headers, [sample])[0]
    }

    private static func masks(_ headers: inout HeaderProtection, _ samples: [[UInt8]]) -> [UInt64] {
        for sample in samples {
            var bytes = [1, 2, 3] + packet(sample)
            var span = bytes.mutableSpan
            headers.collect(span.mutableBytes, at: 3)
        }
        headers.computeMasks()
        let masks = (0..<headers.count).map { headers.mask($0) }
        headers.clear()
        return masks
    }

    @Test func `the mask of suite 2 is the first half of AES-256's block of FIPS 197, appendix C 3`() {
        let sample = Hexadecimal.bytes("00112233445566778899aabbccddeeff")
        let mask = Self.mask(.aes256GCM, key: Array(0..<32), sample: sample)
        #expect(mask == 0x8ea2_b7ca_5167_45bf)
    }

    @Test func `the mask of suite 1 is the first quarter of BLAKE3's keyed hash`() {
        var random = RandomBytes(seed: 5)
        let key = random.bytes(32)
        let sample = random.bytes(16)
        let digest = BLAKE3.keyedHash(sample.span.bytes, key: Secret(key))
        let mask = Self.mask(.xChaCha20Poly1305, key: key, sample: sample)
        #expect(mask == digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    @Test(arguments: Algorithm.allCases)
    func `masks that are computed together are those that are computed one by one`(_ algorithm: Algorithm) {
        var random = RandomBytes(seed: 6)
        let key = random.bytes(32)
        var headers = HeaderProtection(algorithm, key: Secret(key))
        for count in [0, 1, 2, 15, 16, 17, 44, 63, 64] {
            let samples = (0..<count).map { _ in random.bytes(16) }
            let expected = samples.map { Self.mask(algorithm, key: key, sample: $0) }
            let masks = Self.masks(&headers, samples)
            #expect(masks == expected)
            #expect(Set(expected).count == count)
        }
    }

    @Test func `more samples than there is room for, and masks that were not asked for, end the process`() async {
        await #expect(processExitsWith: .failure) {
            var headers = HeaderProtection(.aes256GCM, key: Secret([UInt8](repeating: 0, count: 32)))
            _ = Self.masks(&headers, [[UInt8]](repeating: [UInt8](repeating: 0, count: 16), count: 65))
        }
        await #expect(processExitsWith: .failure) {
            let headers = HeaderProtection(.aes256GCM, key: Secret([UInt8](repeating: 0, count: 32)))
            _ = headers.mask(0)
        }
        await #expect(processExitsWith: .failure) {
            _ = HeaderProtection(.aes256GCM, key: Secret([UInt8](repeating: 0, count: 31)))
        }
    }
}
