internal import Foundation
internal import Operations
internal import TemporaryFolders
internal import Testing

@Suite("Child processes", .timeLimit(.minutes(1)))
struct ChildProcessTests {
    @Test func `a child reads all that it is given, and then the end`() async throws {
        let input = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let exit = try await ChildProcess.start("cat", [], input: input).exit()
        #expect(exit.code == 0 && exit.output == input)
        let none = try await ChildProcess.start("cat", []).exit()
        #expect(none.code == 0 && none.output.isEmpty)
    }

    @Test func `a child that takes none of its input ends all the same, and its parent lives`() async throws {
        let input = [UInt8](repeating: 7, count: 1_000_000)
        let exit = try await ChildProcess.start("sh", ["-c", "exec <&-; echo done"], input: input).exit()
        #expect(exit.code == 0 && exit.output == Array("done\n".utf8))
    }

    @Test func `further descriptors arrive as 3, 4, … and no other does, whichever numbers they have here`()
        async throws
    {
        let pipes = [Pipe(), Pipe(), Pipe()]
        for (index, pipe) in pipes.enumerated() {
            try pipe.fileHandleForWriting.write(contentsOf: Data("\(index)".utf8))
            try pipe.fileHandleForWriting.close()
        }
        // The highest first: one that is placed must not lie where another still is.
        let given = pipes.map(\.fileHandleForReading.fileDescriptor).sorted(by: >)
        let expected = given.map { descriptor in
            pipes.firstIndex { $0.fileHandleForReading.fileDescriptor == descriptor } ?? -1
        }
        let script = "cat <&3; cat <&4; cat <&5; ls /proc/$$/fd | xargs"
        let exit = try await ChildProcess.start("sh", ["-c", script], descriptors: given).exit()
        let lines = String(decoding: exit.output, as: UTF8.self)
        #expect(lines.hasPrefix(expected.map(String.init).joined()), "\(lines)")
        // Bash and dash keep none of their own open beyond 10 here; `ls` runs in another process.
        #expect(lines.contains("0 1 2 3 4 5"), "\(lines)")
    }

    @Test
    func
        `what must outlive its parent has a session and another parent of its own, and writes to the given descriptor`()
        async throws
    {
        let folder = try TemporaryFolder()
        let log = folder.file("log")
        let descriptor = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        // Asks the system what it is, and waits to be ended.
        let script = "cut -d' ' -f1,4,6 /proc/self/stat; cat /proc/$$/stat | cut -d' ' -f1,4,6; exec sleep 60"
        let pid = try ChildProcess.startOutliving("sh", ["-c", script], output: descriptor)
        defer { kill(pid, SIGKILL) }
        var lines: [Substring] = []
        while lines.count < 2 {
            try await Task.sleep(for: .milliseconds(10))
            lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        }
        let own = lines[1].split(separator: " ").compactMap { Int32($0) }
        #expect(own.first == pid)
        #expect(own[1] != getpid(), "its parent is not this process")
        #expect(own[2] != getsid(0), "its session is not this one")
        #expect(kill(pid, 0) == 0)
    }

    @Test func `a program that is not there is an error that names it, also where it was to outlive its parent`() async
    {
        await #expect(throws: ChildProcessError.self) { try await ChildProcess.start("no-such-program", []) }
        #expect {
            try ChildProcess.startOutliving("no-such-program", [])
        } throws: { error in
            (error as? ChildProcessError)?.isMissing == true && "\(error)".contains("no-such-program")
        }
    }
}
