internal import Foundation

/// A program of this package, beside the tests.
enum Program {
    /// Runs it to its end and returns its exit status.
    static func run(_ name: String, _ arguments: [String]) throws -> Int32 {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(name)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
