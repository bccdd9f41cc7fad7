internal import Foundation
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import Cryptography

/// Beside `b3sum`, which the authors of BLAKE3 wrote.
@Suite("BLAKE3 and b3sum", .serialized, .ownThread)
struct BLAKE3SumTests {
    @Test(arguments: [0, 1, 64, 1_025, 65_536, 262_143, 262_144, 262_145, 1_000_003])
    func `a file has the digest that b3sum prints, in one piece and in many`(_ length: Int) throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        try write(bytes, to: folder.file("data"))
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["b3sum", "--no-names", folder.file("data")]
        process.standardOutput = output
        try process.run()
        let printed = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let expected = printed.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(expected.count == 64, "b3sum printed: \(printed)")
        #expect(BLAKE3.hash(bytes.span.bytes).description == expected)
        var fold = BLAKE3.Fold()
        for start in stride(from: 0, to: max(1, length), by: BLAKE3.Piece.length) {
            let end = min(start + BLAKE3.Piece.length, length)
            let number = UInt64(start / BLAKE3.Piece.length)
            fold.append(BLAKE3.Piece(bytes.span.bytes.extracting(start..<end), number: number))
        }
        #expect(fold.digest?.description == expected)
    }
}
