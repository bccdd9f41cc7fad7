internal import Foundation
internal import TemporaryFolders
internal import Testing

/// Beside PyPI's noiseprotocol, which `scripts/test` installs in `.build/python`.
@Suite("Noise and noiseprotocol")
struct NoisePeerTests {
    @Test func `handshakes with noiseprotocol succeed in both roles and both forms of ephemeral keys`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("NoisePeer").path
        let folder = try TemporaryFolder()
        // Into a file: programs that other tests start meanwhile would inherit a pipe.
        try write([], to: folder.file("output"))
        let output = try #require(FileHandle(forWritingAtPath: folder.file("output")))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [root.appendingPathComponent("Tests/NoisePeer/peer.py").path, program, "5"]
        process.environment = ["PYTHONPATH": root.appendingPathComponent(".build/python").path]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        let printed = String(decoding: try bytes(folder.file("output")), as: UTF8.self)
        #expect(process.terminationStatus == 0, "\(printed)")
        // Three handshakes a form and two comparisons a round, and four handshakes of the longest messages.
        #expect(printed.hasSuffix("44 passed, 0 failed\n"), "\(printed)")
    }
}
