internal import Cryptography
internal import OwnThread
internal import Testing

/// Both algorithms, through the same type.
@Suite("Records", .ownThread)
struct RecordCipherTests {
    typealias Algorithm = RecordCipher.Algorithm

    static let key = Array(UInt8(0x80)...0x9f)
    static let header = Array("header".utf8)

    static func prefix(_ algorithm: Algorithm) -> [UInt8] {
        Array((UInt8(0x40)...0x4f).prefix(algorithm.noncePrefixLength))
    }

    static func cipher(_ algorithm: Algorithm, _ contexts: CipherContexts = CipherContexts()) -> RecordCipher {
        RecordCipher(algorithm, key: key, noncePrefix: prefix(algorithm), contexts: contexts)
    }

    @Test(
        arguments: Algorithm.allCases,
        [0, 1, 0x0706_0504_0302_0100, .max] as [UInt64]
    )
    func `a record is the message whose nonce is the prefix and the counter, little-endian`(
        _ algorithm: Algorithm,
        _ counter: UInt64
    ) throws {
        var cipher = Self.cipher(algorithm)
        let plaintext = Array("a record".utf8)
        let sealed = cipher.sealed(plaintext, counter: counter, header: Self.header)
        let nonce = RecordCipher.nonce(prefix: Self.prefix(algorithm), counter: counter)
        #expect(
            try ReferenceAEAD.sealed(algorithm, plaintext, key: Self.key, nonce: nonce, header: Self.header) == sealed
        )
        #expect(
            try ReferenceAEAD.opened(algorithm, sealed, key: Self.key, nonce: nonce, header: Self.header) == plaintext
        )
        let opened = cipher.opened(sealed, counter: counter, header: Self.header)
        #expect(opened == plaintext)
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `records of every length up to two blocks and of 16 MiB open to what was sealed, with and without a header`(
        _ algorithm: Algorithm
    ) {
        var random = RandomBytes(seed: 1)
        var sender = Self.cipher(algorithm)
        var receiver = Self.cipher(algorithm)
        for (counter, length) in (Array(0...130) + [1200, 1400, 1452, 65_536, 1 << 24]).enumerated() {
            let plaintext = length > 65_536 ? [UInt8](repeating: 7, count: length) : random.bytes(length)
            for header in [[], Self.header] {
                let sealed = sender.sealed(plaintext, counter: UInt64(counter), header: header)
                #expect(sealed.count == length + RecordCipher.tagLength)
                let opened = receiver.opened(sealed, counter: UInt64(counter), header: header)
                #expect(opened == plaintext, "\(length) bytes")
            }
        }
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `records are sealed and opened where they lie, and nothing beside them changes`(_ algorithm: Algorithm) throws
    {
        var cipher = Self.cipher(algorithm)
        var bytes = [UInt8](0..<200)
        let before = bytes
        bytes.withUnsafeMutableBytes { buffer in
            var middle = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: buffer[50..<150]))
            cipher.seal(&middle, counter: 3, authenticating: Self.header.span.bytes)
        }
        let expected = try ReferenceAEAD.sealed(
            algorithm,
            Array(before[50..<134]),
            key: Self.key,
            nonce: RecordCipher.nonce(prefix: Self.prefix(algorithm), counter: 3),
            header: Self.header
        )
        #expect(Array(bytes[50..<150]) == expected)
        #expect(bytes[..<50] == before[..<50] && bytes[150...] == before[150...])
        let opened = bytes.withUnsafeMutableBytes { buffer in
            var middle = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: buffer[50..<150]))
            return cipher.open(&middle, counter: 3, authenticating: Self.header.span.bytes)
        }
        #expect(opened)
        #expect(bytes[..<134] == before[..<134] && bytes[150...] == before[150...])
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `a record that is cut anywhere, or that a byte was added to, does not open`(_ algorithm: Algorithm) {
        var cipher = Self.cipher(algorithm)
        let sealed = cipher.sealed(Array("cut me anywhere".utf8), counter: 1, header: Self.header)
        for length in 0..<sealed.count {
            for part in [Array(sealed.prefix(length)), Array(sealed.suffix(length))] {
                let opened = cipher.opened(part, counter: 1, header: Self.header)
                #expect(opened == nil, "\(length) bytes")
            }
        }
        let longer = cipher.opened(sealed + [0], counter: 1, header: Self.header)
        #expect(longer == nil)
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `a record of which any bit was flipped, in ciphertext or tag, does not open, and the next one does`(
        _ algorithm: Algorithm
    ) {
        var sender = Self.cipher(algorithm)
        var receiver = Self.cipher(algorithm)
        let plaintext = Array("every bit of this record counts".utf8)
        let sealed = sender.sealed(plaintext, counter: 1, header: Self.header)
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            let opened = receiver.opened(changed, counter: 1, header: Self.header)
            #expect(opened == nil, "bit \(bit)")
        }
        let opened = receiver.opened(sealed, counter: 1, header: Self.header)
        #expect(opened == plaintext)
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `a record under another counter, header, key or prefix does not open, whichever of their bits differs`(
        _ algorithm: Algorithm
    ) {
        let contexts = CipherContexts()
        var cipher = Self.cipher(algorithm, contexts)
        let sealed = cipher.sealed([1, 2, 3], counter: 1 << 32, header: Self.header)
        for bit in 0..<64 {
            let opened = cipher.opened(sealed, counter: 1 << 32 ^ 1 << UInt64(bit), header: Self.header)
            #expect(opened == nil, "bit \(bit)")
        }
        for header in [[], Array(Self.header.dropLast()), Self.header + [0]] + Self.flipped(Self.header) {
            let opened = cipher.opened(sealed, counter: 1 << 32, header: header)
            #expect(opened == nil)
        }
        let prefix = Self.prefix(algorithm)
        let others = Self.flipped(Self.key).map { ($0, prefix) } + Self.flipped(prefix).map { (Self.key, $0) }
        for (key, prefix) in others {
            var other = RecordCipher(algorithm, key: key, noncePrefix: prefix, contexts: contexts)
            let opened = other.opened(sealed, counter: 1 << 32, header: Self.header)
            #expect(opened == nil)
        }
        let opened = cipher.opened(sealed, counter: 1 << 32, header: Self.header)
        #expect(opened == [1, 2, 3])
    }

    @Test func `a record of one algorithm does not open with the other`() {
        let contexts = CipherContexts(capacity: 1)
        for (one, two) in [(Algorithm.xChaCha20Poly1305, Algorithm.aes256GCM), (.aes256GCM, .xChaCha20Poly1305)] {
            var sender = Self.cipher(one, contexts)
            var stranger = Self.cipher(two, contexts)
            let sealed = sender.sealed([1, 2, 3], counter: 0, header: Self.header)
            let opened = stranger.opened(sealed, counter: 0, header: Self.header)
            #expect(opened == nil)
        }
    }

    @Test(
        arguments: Algorithm.allCases
    )
    func `one cipher that seals and opens by turns, and a failure between, keeps them apart`(_ algorithm: Algorithm) {
        var cipher = Self.cipher(algorithm)
        for counter in 0..<20 as Range<UInt64> {
            let sealed = cipher.sealed([UInt8(counter)], counter: counter, header: [])
            let refused = cipher.opened(sealed, counter: counter + 1, header: [])
            let opened = cipher.opened(sealed, counter: counter, header: [])
            #expect(refused == nil && opened == [UInt8(counter)])
        }
    }

    @Test func `keys and prefixes of another length, and no room for the tag, end the process with a reason`() async {
        await #expect(processExitsWith: .failure) { Self.make(.xChaCha20Poly1305, key: 31, prefix: 16) }
        await #expect(processExitsWith: .failure) { Self.make(.xChaCha20Poly1305, key: 32, prefix: 24) }
        await #expect(processExitsWith: .failure) { Self.make(.aes256GCM, key: 16, prefix: 4) }
        await #expect(processExitsWith: .failure) { Self.make(.aes256GCM, key: 32, prefix: 12) }
        await #expect(processExitsWith: .failure) {
            var cipher = RecordCipherTests.cipher(.xChaCha20Poly1305)
            var bytes = [UInt8](repeating: 0, count: 15)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            cipher.seal(&raw, counter: 0, authenticating: RecordCipherTests.header.span.bytes)
        }
        await #expect(processExitsWith: .success) { Self.make(.aes256GCM, key: 32, prefix: 4) }
    }

    private static func make(_ algorithm: Algorithm, key: Int, prefix: Int) {
        _ = RecordCipher(
            algorithm,
            key: [UInt8](repeating: 0, count: key),
            noncePrefix: [UInt8](repeating: 0, count: prefix),
            contexts: CipherContexts()
        )
    }

    private static func flipped(_ bytes: [UInt8]) -> [[UInt8]] {
        (0..<bytes.count * 8).map { bit in
            var other = bytes
            other[bit / 8] ^= 1 << (bit % 8)
            return other
        }
    }
}
