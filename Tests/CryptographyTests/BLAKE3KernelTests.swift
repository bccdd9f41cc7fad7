internal import CBLAKE3
internal import CBLAKE3Wide
internal import OwnThread
internal import Testing

@testable import Cryptography

/// One after the other, because a kernel is set for the whole process. Other suites do not set it.
@Suite("BLAKE3 kernels", .serialized, .ownThread)
struct BLAKE3KernelTests {
    static let supported = BLAKE3.Kernel.allCases.filter(\.isSupported)

    private func with<Result>(_ kernel: BLAKE3.Kernel, _ body: () throws -> Result) rethrows -> Result {
        let before = BLAKE3.Kernel.current
        kernel.use()
        defer { before.use() }
        return try body()
    }

    @Test func `the process uses the last kernel of the list that is supported`() {
        #expect(BLAKE3.Kernel.current == Self.supported.last)
        #expect(Self.supported.first == .portable && Self.supported.count > 1)
        let others = BLAKE3.Kernel.allCases.filter { !$0.isSupported }
        #expect(!others.isEmpty)
        #expect(!outpost_blake3_set_kernel(99) && !outpost_blake3_set_kernel(-1))
        for kernel in Self.supported { with(kernel) { #expect(BLAKE3.Kernel.current == kernel) } }
    }

    @Test(arguments: supported)
    func `each kernel gives the official output`(_ kernel: BLAKE3.Kernel) {
        with(kernel) {
            for vector in BLAKE3Vector.all {
                var hasher = BLAKE3.Hasher()
                hasher.update(vector.input)
                #expect(hasher.output(count: 131) == vector.hash)
                #expect(Array(BLAKE3.hash(vector.input)) == Array(vector.hash.prefix(32)))
                #expect(
                    Array(BLAKE3.keyedHash(vector.input, key: BLAKE3Vector.key)) == Array(vector.keyedHash.prefix(32))
                )
            }
        }
    }

    @Test(arguments: supported.dropFirst())
    func `each kernel agrees with the portable one, around all numbers of chunks and at any address`(
        _ kernel: BLAKE3.Kernel
    ) {
        var random = RandomBytes(seed: 4)
        let bytes = random.bytes(66_000)
        let key = Secret(random.bytes(32))
        for chunks in 1...64 {
            let lengths = [
                1024 * chunks - 1, 1024 * chunks, 1024 * chunks + 1, Int.random(in: 0...65_000, using: &random),
            ]
            for length in lengths {
                let start = Int.random(in: 0...67, using: &random)
                let span = bytes.span.bytes.extracting(start..<start + length)
                let number = UInt64.random(in: 1...BLAKE3.Piece.maximumNumber, using: &random)
                func results() -> (BLAKE3.Digest, BLAKE3.Digest, BLAKE3.Piece) {
                    (
                        BLAKE3.hash(span), BLAKE3.keyedHash(span, key: key),
                        BLAKE3.Piece(span, number: length == 0 ? 0 : number)
                    )
                }
                let fast = with(kernel, results)
                let portable = with(.portable, results)
                #expect(fast == portable, "\(length) bytes from \(start)")
            }
        }
    }

    @Test(arguments: supported)
    func `each kernel hashes short messages as one message each`(_ kernel: BLAKE3.Kernel) {
        with(kernel) { BLAKE3Tests().`short messages have the keyed hashes that they have alone`() }
    }

    @Test func `16 lanes agree with the portable kernel, also where a counter passes 32 bits`() {
        var random = RandomBytes(seed: 5)
        let bytes = random.bytes(40 * 1024 + 3)
        let key = random.bytes(32).map { UInt32($0) &* 0x0101_0103 }.prefix(8).map { $0 }
        for count in 1...40 {
            for chunk in [0, 7, 0xffff_fff0, 0xffff_fff9, 0xffff_ffff, 0x12_ffff_fffa, UInt64.max >> 10] {
                func values(portable: Int32) -> [UInt8] {
                    var values = [UInt8](repeating: 0, count: 32 * count)
                    bytes.withUnsafeBytes { bytes in
                        guard let input = bytes.baseAddress else { return }
                        outpost_blake3_wide_chunks(input + count % 3, count, chunk, key, portable, &values)
                    }
                    return values
                }
                #expect(values(portable: 0) == values(portable: 1), "\(count) chunks from \(chunk)")
            }
        }
    }
}
