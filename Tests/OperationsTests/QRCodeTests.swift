internal import Foundation
internal import Operations
internal import OwnThread
internal import Testing

/// Codes that another program reads.
@Suite("QR codes", .ownThread)
struct QRCodeTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// What zxing-cpp reads in these lines.
    private func read(_ codes: [[String]]) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [Self.root + "/Tests/QRCode/decode.py"]
        process.environment = ["PYTHONPATH": Self.root + "/.build/python", "PYTHONIOENCODING": "utf-8"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let text = codes.map { $0.joined(separator: "\n") + "\n\n" }.joined()
        let writer = Thread { [data = Data(text.utf8)] in
            try? input.fileHandleForWriting.write(contentsOf: data)
            try? input.fileHandleForWriting.close()
        }
        writer.start()
        let read = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "python3 with zxing-cpp in .build/python: see scripts/lib.sh")
        return String(decoding: read, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    /// Characters that fit into versions 1 to 20.
    private static let capacities = [
        25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854, 938, 1_046, 1_153, 1_249,
    ]

    private func text(_ count: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
        // No space at an end, which the other program's output would lose.
        return "Q" + String((0..<max(0, count - 1)).map { alphabet[($0 * 31 + $0 / 45) % 36] })
    }

    @Test func `a code of each version, filled to the last character, is read by another program`()
        throws
    {
        let counts = Self.capacities + Self.capacities.prefix(10).map { $0 + 1 } + [1, 2, 150]
        let texts = counts.map(text)
        let codes = try texts.map { try #require(QRCode($0)) }
        for (index, capacity) in Self.capacities.enumerated() {
            #expect(QRCode(text(capacity))?.size == 21 + 4 * index, "version \(index + 1)")
        }
        #expect(try read(codes.map { $0.lines(usesColor: false) }) == texts)
        #expect(try read(codes.suffix(2).map { $0.lines(usesColor: true) }) == texts.suffix(2))
    }

    @Test func `signs are read as they are`() throws {
        let signs = "A $%*+-./:Z"
        #expect(try read([#require(QRCode(signs)).lines(usesColor: false)]) == [signs])
    }

    @Test(arguments: ["a", "é", "A\nB", String(repeating: "A", count: 1_250)])
    func `what has no code has none`(_ text: String) { #expect(QRCode(text) == nil) }
}
