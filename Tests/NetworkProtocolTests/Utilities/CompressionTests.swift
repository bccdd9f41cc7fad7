internal import NetworkProtocol
internal import Operations
internal import Testing

@Suite("Compression")
struct CompressionTests {
    static let text = Array(String(repeating: "the quick brown fox jumps over the lazy dog; ", count: 4).utf8)

    /// `text`, compressed by python3-lz4, python3-zstandard (level 3) and the program `zstd -19` (with a checksum).
    static let vectors: [(CompressionAlgorithm, String)] = [
        (
            .lz4,
            "b4000000f01074686520717569636b2062726f776e20666f78206a756d7073206f766572201f00916c617a7920646f673b0e000f2d00"
                + "6b50646f673b20"
        ),
        (
            .zstd,
            "28b52ffd20b4bd0100c40274686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f67"
                + "3b020000a80830da5906"
        ),
        (
            .zstd,
            "28b52ffd24b4b50100d40274686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f67"
                + "3b20010025404a95019c80624b"
        ),
    ]

    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static func compress(_ input: [UInt8], _ algorithm: CompressionAlgorithm, level: Int? = nil) -> [UInt8]? {
        var compressor = Compressor(algorithm: algorithm, level: level)
        return compressor.compress(input.span.bytes)
    }

    static func decompress(
        _ input: [UInt8],
        _ algorithm: CompressionAlgorithm,
        limit: Int = CompressionAlgorithm.maximumDecompressedLength
    ) throws(CompressionError) -> [UInt8] {
        var decompressor = Decompressor()
        return try decompressor.decompress(input.span.bytes, algorithm: algorithm, limit: limit)
    }

    /// Random words from a short list, the same in every run.
    static func prose(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        var bytes: [UInt8] = []
        while bytes.count < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes += ["one ", "two ", "three ", "many ", "\u{0} "][Int(state >> 33) % 5].utf8
        }
        return Array(bytes.prefix(count))
    }

    static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 88
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 40)
        }
    }

    @Test func `what others compressed decompresses, and cut anywhere it does not`() throws {
        for (algorithm, vector) in Self.vectors {
            let compressed = Self.bytes(vector)
            let text = try Self.decompress(compressed, algorithm)
            #expect(text == Self.text)
            for length in 0..<compressed.count {
                #expect(throws: CompressionError.self, "\(algorithm) cut to \(length)") {
                    try Self.decompress(Array(compressed.prefix(length)), algorithm)
                }
            }
        }
    }

    @Test func `empty payloads of others decompress to nothing`() throws {
        let lz4 = try Self.decompress(Self.bytes("0000000000"), .lz4)
        let zstd = try Self.decompress(Self.bytes("28b52ffd2000010000"), .zstd)
        #expect(lz4.isEmpty && zstd.isEmpty)
    }

    @Test(arguments: CompressionAlgorithm.allCases)
    func `payloads of many lengths and levels come back as they were`(_ algorithm: CompressionAlgorithm) throws {
        var decompressor = Decompressor()
        for level in [algorithm.levels.lowerBound, algorithm.defaultLevel, min(algorithm.levels.upperBound, 19)] {
            var compressor = Compressor(algorithm: algorithm, level: level)
            for (seed, length) in [1000, 4096, 65_536, 1 << 20].enumerated() {
                let payload = Self.prose(length, seed: UInt64(seed))
                let smaller = compressor.compress(payload.span.bytes)
                let compressed = try #require(smaller)
                #expect(compressed.count < payload.count)
                let again = try decompressor.decompress(compressed.span.bytes, algorithm: algorithm)
                #expect(again == payload, "\(algorithm), level \(level), \(length) bytes")
            }
        }
    }

    @Test(
        arguments: CompressionAlgorithm.allCases
    )
    func `the longest payload comes back; one byte more is neither made nor taken`(_ algorithm: CompressionAlgorithm)
        throws
    {
        let limit = CompressionAlgorithm.maximumDecompressedLength
        let payload = [UInt8](repeating: 0, count: limit)
        let compressed = try #require(Self.compress(payload, algorithm))
        let again = try Self.decompress(compressed, algorithm)
        #expect(again == payload)
        #expect(Self.compress(payload + [0], algorithm) == nil)
        #expect(throws: CompressionError.tooLong(algorithm, claimed: UInt64(limit), limit: limit - 1)) {
            try Self.decompress(compressed, algorithm, limit: limit - 1)
        }
    }

    @Test(
        arguments: CompressionAlgorithm.allCases
    )
    func `a limit beyond the longest payload is that, and a negative one is none`(_ algorithm: CompressionAlgorithm)
        throws
    {
        let bomb = algorithm == .lz4 ? Self.lz4(claiming: 16_777_217, [0]) : Self.zstd(claiming: 16_777_217)
        #expect(throws: CompressionError.tooLong(algorithm, claimed: 16_777_217, limit: 16_777_216)) {
            try Self.decompress(bomb, algorithm, limit: .max)
        }
        let small = try #require(Self.compress(Self.text, algorithm))
        #expect(throws: CompressionError.tooLong(algorithm, claimed: 180, limit: 0)) {
            try Self.decompress(small, algorithm, limit: .min)
        }
    }

    @Test(arguments: CompressionAlgorithm.allCases)
    func `what would not become smaller is not compressed`(_ algorithm: CompressionAlgorithm) {
        for count in [0, 1, 2, 3, 4, 5, 6, 20, 5000, 100_000] {
            #expect(Self.compress(Self.noise(count), algorithm) == nil, "\(count) bytes")
        }
    }

    @Test(
        arguments: CompressionAlgorithm.allCases
    )
    func `there is room for the tag of a sealed record behind what was compressed`(_ algorithm: CompressionAlgorithm)
        throws
    {
        let compressed = try #require(Self.compress(Self.text, algorithm))
        #expect(compressed.capacity >= compressed.count + 16)
    }

    @Test func `a level that is none ends the process with a reason`() async {
        await #expect(processExitsWith: .failure) { _ = Compressor(algorithm: .zstd, level: 20) }
        await #expect(processExitsWith: .failure) { _ = Compressor(algorithm: .lz4, level: 0) }
    }
}
