internal import CBLAKE3
internal import Glibc
internal import OwnThread
internal import Testing

@testable import Cryptography

extension BLAKE3.Hasher {
    func output(count: Int, from position: UInt64 = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        output(into: &raw, from: position)
        return bytes
    }

    mutating func update(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        update(bytes.span.bytes)
    }
}

extension BLAKE3 {
    static func hash(_ bytes: [UInt8]) -> Digest { hash(bytes.span.bytes) }

    static func keyedHash(_ bytes: [UInt8], key: [UInt8]) -> Digest { keyedHash(bytes.span.bytes, key: Secret(key)) }
}

@Suite("BLAKE3", .ownThread)
struct BLAKE3Tests {
    @Test func `there are the 35 official vectors`() {
        #expect(BLAKE3Vector.all.count == 35)
        #expect(BLAKE3Vector.all.allSatisfy { $0.hash.count == 131 && $0.keyedHash.count == 131 })
        #expect(BLAKE3Vector.all.last?.length == 102_400)
    }

    @Test(arguments: BLAKE3Vector.all)
    func `each mode gives the official output, whole, in parts and extended`(_ vector: BLAKE3Vector) {
        let input = vector.input
        #expect(Array(BLAKE3.hash(input)) == Array(vector.hash.prefix(32)))
        #expect(Array(BLAKE3.keyedHash(input, key: BLAKE3Vector.key)) == Array(vector.keyedHash.prefix(32)))
        let derived = BLAKE3.deriveKey(
            "BLAKE3 2019-12-27 16:29:52 test vectors context",
            from: Secret(input),
            count: 131
        )
        #expect(Array(derived) == vector.derivedKey)

        var hash = BLAKE3.Hasher()
        var keyed = BLAKE3.Hasher(key: Secret(BLAKE3Vector.key))
        var deriving = BLAKE3.Hasher(derivingKeysFor: "BLAKE3 2019-12-27 16:29:52 test vectors context")
        for part in [input.prefix(input.count / 3), input.dropFirst(input.count / 3)] {
            hash.update(part)
            keyed.update(part)
            deriving.update(part)
        }
        #expect(hash.output(count: 131) == vector.hash)
        #expect(keyed.output(count: 131) == vector.keyedHash)
        #expect(deriving.output(count: 131) == vector.derivedKey)
        #expect(Array(hash.digest()) == Array(vector.hash.prefix(32)))
        #expect(Array(keyed.secret(count: 7)) == Array(vector.keyedHash.prefix(7)))
    }

    @Test func `an input in parts has the digest of the whole, wherever it is split`() {
        var random = RandomBytes(seed: 1)
        let bytes = random.bytes(700_000)
        for round in 0..<150 {
            let length = Int.random(in: 0...(round < 100 ? 20_000 : bytes.count), using: &random)
            let longest = [1, 64, 1024, 1025, 5000, 300_000].randomElement(using: &random) ?? 1
            var hasher = BLAKE3.Hasher()
            var position = 0
            while position < length {
                let end = min(length, position + Int.random(in: 0...max(longest, length / 400), using: &random))
                hasher.update(bytes.span.bytes.extracting(position..<end))
                position = end
            }
            #expect(hasher.digest() == BLAKE3.hash(Array(bytes.prefix(length))), "\(length) bytes in \(longest)")
        }
    }

    @Test func `the digest can be asked for at any time, and more input follows`() {
        let bytes = BLAKE3Vector.pattern(9000)
        var hasher = BLAKE3.Hasher()
        for length in stride(from: 0, to: 9000, by: 500) {
            #expect(hasher.digest() == BLAKE3.hash(Array(bytes[..<length])))
            hasher.update(bytes[length..<length + 500])
        }
        #expect(hasher.digest() == BLAKE3.hash(bytes))
    }

    @Test(arguments: [0, 1, 64, 1024, 1025, 5000])
    func `output from any position is that part of the whole output`(_ length: Int) {
        var hasher = BLAKE3.Hasher()
        hasher.update(BLAKE3Vector.pattern(length))
        let whole = hasher.output(count: 1000)
        for position in [0, 1, 31, 32, 63, 64, 65, 127, 128, 500, 999] {
            for count in [0, 1, 32, 63, 64, 65, 400] where position + count <= whole.count {
                let part = hasher.output(count: count, from: UInt64(position))
                #expect(part == Array(whole[position..<position + count]))
            }
        }
    }

    @Test func `output far away needs all 64 bits of its block's number`() {
        // From the package blake3 of PyPI: blake3(b"").digest(length=8, seek=…).
        let hasher = BLAKE3.Hasher()
        #expect(hasher.output(count: 8, from: 1 << 38) == Hexadecimal.bytes("c10ecac0ca7d3f51"))
        #expect(hasher.output(count: 8, from: 1 << 63) == Hexadecimal.bytes("1295c1601c4435e8"))
    }

    @Test func `short messages have the keyed hashes that they have alone`() {
        var random = RandomBytes(seed: 2)
        let key = random.bytes(32)
        for count in 0...50 {
            let messages = random.bytes(16 * count)
            for length in [8, 16, 32] {
                var hashes = [UInt8](repeating: 0, count: length * count)
                var span = hashes.mutableSpan
                var raw = span.mutableBytes
                BLAKE3.keyedHashes(ofShortMessages: messages.span.bytes, key: Secret(key), into: &raw)
                let alone = (0..<count).flatMap { number in
                    BLAKE3.keyedHash(Array(messages[16 * number..<16 * number + 16]), key: key).prefix(length)
                }
                #expect(hashes == alone, "\(count) messages")
            }
        }
    }

    @Test func `a digest differs with each bit of it, and has 32 bytes`() throws {
        let digest = BLAKE3.hash([1, 2, 3])
        #expect(BLAKE3.Digest(Array(digest)) == digest)
        #expect(BLAKE3.Digest(Array(digest))?.hashValue == digest.hashValue)
        for bit in 0..<256 {
            var bytes = Array(digest)
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(try #require(BLAKE3.Digest(bytes)) != digest)
        }
        #expect(BLAKE3.Digest(digest.dropLast()) == nil && BLAKE3.ChainingValue(Array(digest) + [0]) == nil)
    }

    @Test func `a keyed state is overwritten by hand, and when its hasher is destroyed`() {
        var random = RandomBytes(seed: 3)
        var state = outpost_blake3_hasher()
        outpost_blake3_start_keyed(&state, random.bytes(32))
        outpost_blake3_update(&state, random.bytes(5000), 5000)
        #expect(withUnsafeBytes(of: &state) { $0.count { $0 != 0 } } > 100)
        outpost_blake3_wipe(&state)
        #expect(withUnsafeBytes(of: &state) { $0.allSatisfy { $0 == 0 } })

        // No pointer is kept: the kernel reads the memory later. The allocator overwrites the start of freed memory.
        let length = MemoryLayout<outpost_blake3_hasher>.size
        var address: off_t = 0
        // Made before, because it would otherwise get the memory that was given back.
        var bytes = [UInt8](repeating: 0, count: length)
        func left() -> Int {
            let memory = open("/proc/self/mem", O_RDONLY)
            defer { close(memory) }
            let read = bytes.withUnsafeMutableBytes { pread(memory, $0.baseAddress, length, address) }
            return bytes.prefix(max(0, read)).count { $0 != 0 }
        }
        func use() {
            var hasher = BLAKE3.Hasher(key: Secret(random.bytes(32)))
            hasher.update(random.bytes(60 << 10))
            address = off_t(Int(bitPattern: hasher.state))
            #expect(left() > 150)
        }
        use()
        #expect(left() < 64)
    }
}
