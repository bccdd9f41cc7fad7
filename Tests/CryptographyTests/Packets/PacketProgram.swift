internal import Foundation
internal import TemporaryFolders

/// Runs a program that is built beside the tests, or a Python script with one.
enum PacketProgram {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The path of a program that is built beside the tests.
    static func path(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// What it printed, and its exit status.
    static func run(_ program: String, _ arguments: [String] = []) async throws -> (printed: String, status: Int32) {
        let folder = try TemporaryFolder()
        // Into a file: programs that other tests start meanwhile would inherit a pipe.
        _ = FileManager.default.createFile(atPath: folder.file("output"), contents: nil)
        guard let output = FileHandle(forWritingAtPath: folder.file("output")) else {
            throw CocoaError(.fileNoSuchFile)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // Debian's own Python finds these packages.
        process.environment = ["PYTHONPATH": root.appendingPathComponent(".build/python").path]
        process.standardOutput = output
        process.standardError = output
        // Waiting for it would block a thread that other tests need.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (String(decoding: try bytes(folder.file("output")), as: UTF8.self), process.terminationStatus)
    }
}
