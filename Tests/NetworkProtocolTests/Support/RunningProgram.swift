import CLinux
import Foundation
import Glibc
import NetworkProtocol
import Synchronization
import Testing

/// One of the package's programs while it runs, and what it said so far; killed when the test lets go of it. Nothing here blocks a thread: the cooperative
/// pool has few, and members in this process need them.
final class RunningProgram {
    private final class Output: Sendable {
        private let state = Mutex((text: "", isEnded: false))

        /// Whole lines, and whether more may come.
        var said: (lines: [Substring], isEnded: Bool) {
            let (text, isEnded) = state.withLock { $0 }
            return (text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(), isEnded)
        }

        func add(_ data: Data) {
            state.withLock { $0 = ($0.text + String(decoding: data, as: UTF8.self), data.isEmpty) }
        }
    }

    private let process = Process()
    private let output = Output()
    private let typing: FileHandle
    private let reading: FileHandle

    /// - Parameters:
    ///   - name: of the program, which lies beside the tests.
    ///   - environment: beside the tests' own.
    ///   - prefix: a command that becomes the program, such as `nsenter`; its last argument is followed by the program's path.
    init(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        through prefix: [String] = []
    ) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/" + name
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) was not built")
        process.executableURL = URL(fileURLWithPath: prefix.isEmpty ? path : "/usr/bin/env")
        process.arguments = (prefix.isEmpty ? [] : prefix + [path]) + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (input, typing) = try RunningProgram.pipe()
        let (reading, said) = try RunningProgram.pipe()
        self.typing = typing
        self.reading = reading
        process.standardInput = input
        process.standardOutput = said
        reading.readabilityHandler = { [output] handle in
            let data = handle.availableData
            output.add(data)
            if data.isEmpty { handle.readabilityHandler = nil }
        }
        try process.run()
        // The program's ends are its own: what it said ends when it does.
        try input.close()
        try said.close()
    }

    /// Foundation's pipes are inherited by every program that is started meanwhile, which would hold up each other's ends.
    private static func pipe() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [-1, -1]
        try #require(outpost_pipe(&ends) == 0)
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }

    /// A ``ClusterPeer``.
    convenience init(_ number: Int, key: ClusterKey, seeds: [String], through prefix: [String] = []) throws {
        try self.init("ClusterPeer", ["\(number)", key.hexadecimal] + seeds, through: prefix)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var id: Int32 { process.processIdentifier }

    /// What it has said by now.
    var lines: [Substring] { output.said.lines }

    /// Waits until so many lines begin so, and gives the rest of the last one. A hang ends with the suite's time limit.
    @discardableResult
    func wait(for start: String, times count: Int = 1) async throws -> String {
        while true {
            let (lines, isEnded) = output.said
            let found = lines.filter { $0.hasPrefix(start) }
            if found.count >= count { return String(found[count - 1].dropFirst(start.count)) }
            try #require(!isEnded, "it ended without \"\(start)\" \(count) times, after: \(lines)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Types a line.
    func type(_ line: String) { typing.write(Data((line + "\n").utf8)) }

    /// Types nothing more.
    func endInput() throws { try typing.close() }

    func signal(_ number: Int32) { kill(id, number) }

    /// All it said, after its end.
    func end() async throws -> (status: Int32, lines: [Substring]) {
        while process.isRunning || !output.said.isEnded { try await Task.sleep(for: .milliseconds(10)) }
        return (process.terminationStatus, output.said.lines)
    }

    /// Resident memory in bytes (proc_pid_statm(5)).
    func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8).split(separator: " ")
        return try #require(fields.count > 1 ? Int(fields[1]) : nil) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
