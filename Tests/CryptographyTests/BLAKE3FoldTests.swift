internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("BLAKE3 pieces and their fold", .ownThread)
struct BLAKE3FoldTests {
    private static let length = BLAKE3.Piece.length

    private func pieces(_ bytes: [UInt8]) -> [BLAKE3.Piece] {
        if bytes.isEmpty { return [BLAKE3.Piece(bytes.span.bytes, number: 0)] }
        return stride(from: 0, to: bytes.count, by: Self.length).map { start in
            let end = min(start + Self.length, bytes.count)
            return BLAKE3.Piece(bytes.span.bytes.extracting(start..<end), number: UInt64(start / Self.length))
        }
    }

    @Test(
        arguments: [
            0, 1, 1023, 1024, 1025, 65_536, 262_143, 262_144, 262_145, 263_168, 524_287, 524_288, 524_289, 786_432,
            1_048_576, 1_048_577, 3_145_728, 3_145_735, 1_835_008,
        ]
    )
    func `the pieces of a file fold to its digest`(_ length: Int) {
        let bytes = BLAKE3Vector.pattern(length)
        let pieces = pieces(bytes)
        var fold = BLAKE3.Fold()
        for piece in pieces { fold.append(piece) }
        #expect(fold.count == UInt64(pieces.count) && pieces.count == max(1, (length + Self.length - 1) / Self.length))
        #expect(fold.digest == BLAKE3.hash(bytes))
        var hasher = BLAKE3.Hasher()
        hasher.update(bytes)
        #expect(fold.digest == hasher.digest())
    }

    @Test func `after each piece, the fold has the digest of the file up to there`() {
        let bytes = BLAKE3Vector.pattern(20 * Self.length)
        var fold = BLAKE3.Fold()
        for (index, piece) in pieces(bytes).enumerated() {
            fold.append(piece)
            var withoutPieces = BLAKE3.Hasher()
            withoutPieces.update(bytes.prefix((index + 1) * Self.length))
            #expect(fold.digest == withoutPieces.digest())
        }
    }

    @Test func `chaining values from elsewhere fold to the digest, unless there is only one`() throws {
        let bytes = BLAKE3Vector.pattern(3 * Self.length + 5)
        var fold = BLAKE3.Fold()
        #expect(fold.digest == nil)
        for piece in pieces(bytes) {
            fold.append(try #require(BLAKE3.ChainingValue(Array(piece.chainingValue))))
            #expect((fold.digest == nil) == (fold.count == 1))
        }
        #expect(fold.digest == BLAKE3.hash(bytes))
    }

    @Test func `a file of one piece has the digest of the piece, which is not its chaining value`() {
        for length in [0, 1, 1024, 1025, Self.length] {
            let bytes = BLAKE3Vector.pattern(length)
            let piece = BLAKE3.Piece(bytes.span.bytes, number: 0)
            #expect(piece.digestIfAlone == BLAKE3.hash(bytes))
            #expect(Array(piece.chainingValue) != Array(BLAKE3.hash(bytes)))
            var fold = BLAKE3.Fold()
            fold.append(piece)
            #expect(fold.digest == piece.digestIfAlone)
        }
    }

    @Test func `a piece further on has no digest of its own, and its number is part of its value`() {
        let bytes = BLAKE3Vector.pattern(Self.length)
        let values = (0...5).map { BLAKE3.Piece(bytes.span.bytes, number: $0) }
        #expect(Set(values.map(\.chainingValue)).count == values.count)
        #expect(values.dropFirst().allSatisfy { $0.digestIfAlone == nil })
    }

    /// From a BLAKE3 of 40 lines of Python that follows the paper and was compared with the package of PyPI.
    @Test(
        arguments: [
            (262_144, 1, "5b0958017cb7101315141fc4e8382163fe35da8d6fa575ba371fc8ab390bf644"),
            (262_144, 16_777_219, "5dff6a242e42407774669dd47c94f4ec1a4f85175849cf59c245553f75717ef3"),
            (70_001, 16_777_215, "ffb845295ece5eb9d96b7b69e6b489ddae655c87ccf632d3981ab5893b57ffe6"),
            (1, 70_368_744_177_663, "b8b852d72e28dcbcb053805ccee01711fad407916105a368da4acd98eb7fbacf"),
        ] as [(Int, UInt64, String)]
    )
    func `pieces far into a file have known values`(_ length: Int, _ number: UInt64, _ value: String) {
        let piece = BLAKE3.Piece(BLAKE3Vector.pattern(length).span.bytes, number: number)
        #expect(Hexadecimal.text(piece.chainingValue) == value)
    }

    @Test func `pieces in another order, twice or after a short one are refused`() async {
        await #expect(processExitsWith: .failure) {
            var fold = BLAKE3.Fold()
            fold.append(BLAKE3.Piece([1].span.bytes, number: 1))
        }
        await #expect(processExitsWith: .failure) {
            var fold = BLAKE3.Fold()
            fold.append(BLAKE3.Piece([1].span.bytes, number: 0))
            fold.append(BLAKE3.Piece([1].span.bytes, number: 1))
        }
        await #expect(processExitsWith: .failure) {
            let bytes = [UInt8](repeating: 0, count: 262_145)
            _ = BLAKE3.Piece(bytes.span.bytes, number: 0)
        }
        await #expect(processExitsWith: .failure) { _ = BLAKE3.Piece([UInt8]().span.bytes, number: 1) }
        await #expect(processExitsWith: .failure) {
            _ = BLAKE3.Piece([1].span.bytes, number: BLAKE3.Piece.maximumNumber + 1)
        }
    }
}
