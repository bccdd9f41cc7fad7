import Cryptography
import Testing

@Suite("Records")
struct RecordCipherTests {
    static let key = Array(UInt8(0x80)...0x9f)
    static let prefix = Array(UInt8(0x40)...0x4f)
    static let header = Array("header".utf8)

    static func cipher() -> RecordCipher { RecordCipher(key: key, noncePrefix: prefix) }

    @Test(
        "a record is the message whose nonce is the prefix and the counter, little-endian",
        arguments: [0, 1, 0x0706_0504_0302_0100, .max] as [UInt64]
    )
    func nonce(_ counter: UInt64) {
        var cipher = Self.cipher()
        let plaintext = Array("a record".utf8)
        let sealed = cipher.sealed(plaintext, counter: counter, header: Self.header)
        let nonce = Self.prefix + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * UInt64($0))) }
        #expect(XChaCha20Poly1305.sealed(plaintext, key: Self.key, nonce: nonce, header: Self.header) == sealed)
        #expect(XChaCha20Poly1305.opened(sealed, key: Self.key, nonce: nonce, header: Self.header) == plaintext)
        let opened = cipher.opened(sealed, counter: counter, header: Self.header)
        #expect(opened == plaintext)
    }

    @Test("records of every length up to two blocks and of 16 MiB open to what was sealed, with and without a header")
    func lengths() {
        var random = RandomBytes(seed: 1)
        var sender = Self.cipher()
        var receiver = Self.cipher()
        for (counter, length) in (Array(0...130) + [1400, 65_536, 1 << 24]).enumerated() {
            let plaintext = length > 65_536 ? [UInt8](repeating: 7, count: length) : random.bytes(length)
            for header in [[], Self.header] {
                let sealed = sender.sealed(plaintext, counter: UInt64(counter), header: header)
                #expect(sealed.count == length + RecordCipher.tagLength)
                let opened = receiver.opened(sealed, counter: UInt64(counter), header: header)
                #expect(opened == plaintext, "\(length) bytes")
            }
        }
    }

    @Test("records are sealed and opened where they lie, and nothing beside them changes")
    func inPlace() {
        var cipher = Self.cipher()
        var bytes = [UInt8](0..<200)
        let before = bytes
        bytes.withUnsafeMutableBytes { buffer in
            var middle = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: buffer[50..<150]))
            cipher.seal(&middle, counter: 3, authenticating: Self.header.span.bytes)
        }
        let whole = Self.prefix + [3, 0, 0, 0, 0, 0, 0, 0]
        #expect(
            Array(bytes[50..<150])
                == XChaCha20Poly1305.sealed(Array(before[50..<134]), key: Self.key, nonce: whole, header: Self.header)
        )
        #expect(bytes[..<50] == before[..<50] && bytes[150...] == before[150...])
        let opened = bytes.withUnsafeMutableBytes { buffer in
            var middle = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: buffer[50..<150]))
            return cipher.open(&middle, counter: 3, authenticating: Self.header.span.bytes)
        }
        #expect(opened)
        #expect(bytes[..<134] == before[..<134] && bytes[150...] == before[150...])
    }

    @Test("a record that is cut anywhere, or that a byte was added to, does not open")
    func truncations() {
        var cipher = Self.cipher()
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

    @Test("a record of which any bit was flipped, in ciphertext or tag, does not open, and the next one does")
    func flippedBits() {
        var sender = Self.cipher()
        var receiver = Self.cipher()
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

    @Test("a record under another counter, header, key or prefix does not open")
    func otherCounterHeaderKeyPrefix() {
        var cipher = Self.cipher()
        let sealed = cipher.sealed([1, 2, 3], counter: 1 << 32, header: Self.header)
        for counter in [0, 1, (1 << 32) + 1, .max] as [UInt64] {
            let opened = cipher.opened(sealed, counter: counter, header: Self.header)
            #expect(opened == nil)
        }
        for header in [[], Array(Self.header.dropLast()), Self.header + [0], Array("Header".utf8)] {
            let opened = cipher.opened(sealed, counter: 1 << 32, header: header)
            #expect(opened == nil)
        }
        var otherKey = RecordCipher(key: Self.key.reversed(), noncePrefix: Self.prefix)
        var otherPrefix = RecordCipher(key: Self.key, noncePrefix: Self.prefix.reversed())
        let underOtherKey = otherKey.opened(sealed, counter: 1 << 32, header: Self.header)
        let underOtherPrefix = otherPrefix.opened(sealed, counter: 1 << 32, header: Self.header)
        #expect(underOtherKey == nil && underOtherPrefix == nil)
    }

    @Test("one cipher that seals and opens by turns, and a failure between, keeps them apart")
    func bothDirections() {
        var cipher = Self.cipher()
        for counter in 0..<20 as Range<UInt64> {
            let sealed = cipher.sealed([UInt8(counter)], counter: counter, header: [])
            let refused = cipher.opened(sealed, counter: counter + 1, header: [])
            let opened = cipher.opened(sealed, counter: counter, header: [])
            #expect(refused == nil && opened == [UInt8(counter)])
        }
    }

    @Test("keys and prefixes of another length, and no room for the tag, end the process with a reason")
    func wrongLengths() async {
        await #expect(processExitsWith: .failure) {
            _ = RecordCipher(key: [UInt8](repeating: 0, count: 31), noncePrefix: [UInt8](repeating: 0, count: 16))
        }
        await #expect(processExitsWith: .failure) {
            _ = RecordCipher(key: [UInt8](repeating: 0, count: 32), noncePrefix: [UInt8](repeating: 0, count: 24))
        }
        await #expect(processExitsWith: .failure) {
            var cipher = RecordCipherTests.cipher()
            var bytes = [UInt8](repeating: 0, count: 15)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            cipher.seal(&raw, counter: 0, authenticating: RecordCipherTests.header.span.bytes)
        }
    }
}
