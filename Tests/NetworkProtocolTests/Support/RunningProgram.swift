internal import CLinux
internal import Dispatch
internal import Foundation
internal import Glibc
internal import NetworkProtocol
internal import Synchronization
internal import Testing

/// One of the package's programs while it runs, and its output so far; killed when the test releases it. Nothing here
/// blocks a thread: the cooperative pool has few, and members in this process need them.
final class RunningProgram {
    private final class Output: Sendable {
        private let state = Mutex((text: "", isEnded: false))

        /// Whole lines, and whether more may arrive.
        var said: (lines: [Substring], isEnded: Bool) {
            let (text, isEnded) = state.withLock { $0 }
            return (text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(), isEnded)
        }

        func add(_ data: Data) {
            state.withLock { $0 = ($0.text + String(decoding: data, as: UTF8.self), data.isEmpty) }
        }
    }

    /// The process, and its exit status: 128 plus the signal's number if a signal ended it.
    private final class Life: Sendable {
        private struct State {
            var id: pid_t = 0
            var status: Int32?
        }

        private let state = Mutex(State())

        var id: pid_t { state.withLock { $0.id } }
        var status: Int32? { state.withLock { $0.status } }

        func began(_ id: pid_t) { state.withLock { $0.id = id } }
        func ended(_ status: Int32) { state.withLock { $0.status = status } }
    }

    private let output = Output()
    private let typing: FileHandle
    private let fifo: String
    private let life = Life()

    /// Foundation's `Process` is not used, because every program that is started in the meantime inherits its
    /// descriptors: they would wait for each other's end.
    ///
    /// - Parameters:
    ///   - name: of the program, which is beside the tests.
    ///   - environment: in addition to the tests' own.
    ///   - prefix: a command that becomes the program, such as `nsenter`; the program's path follows its last argument.
    init(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        through prefix: [String] = []
    ) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/" + name
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) was not built")
        fifo = NSTemporaryDirectory() + "typed-\(UUID().uuidString)"
        try #require(mkfifo(fifo, 0o600) == 0)
        // For both, so that opening does not wait for another process.
        let typed = open(fifo, O_RDWR | O_CLOEXEC)
        try #require(typed >= 0)
        typing = FileHandle(fileDescriptor: typed, closeOnDealloc: true)
        var ends: [Int32] = [-1, -1]
        try #require(outpost_pipe(&ends) == 0)
        let heard = ends[0]
        // Foundation's handler for readable data was seen to miss an end.
        Thread.detachNewThread { [output] in
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                let count = read(heard, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                output.add(Data(buffer.prefix(max(0, count))))
                if count <= 0 { break }
            }
            close(heard)
        }
        let words = ["/bin/sh", "-c", "exec \"$@\" < \"$0\"", fifo] + prefix + [path] + arguments
        let values = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        let said = ends[1]
        let (spawned, life) = (DispatchSemaphore(value: 0), life)
        // A thread that lives as long as the program, which is killed when the thread that started it ends.
        Thread.detachNewThread {
            let argv = words.map { strdup($0) } + [nil]
            let envp = values.map { strdup($0) } + [nil]
            var pid: pid_t = 0
            let code = "/bin/sh".withCString { file in
                argv.withUnsafeBufferPointer { argv in
                    envp.withUnsafeBufferPointer { envp in
                        var child = outpost_child(
                            file: file,
                            argv: argv.baseAddress,
                            envp: envp.baseAddress,
                            input: -1,
                            output: said,
                            error: STDERR_FILENO,
                            descriptors: nil,
                            descriptor_count: 0,
                            outlives: 0
                        )
                        return outpost_spawn(&child, &pid)
                    }
                }
            }
            for word in argv + envp { free(word) }
            // The output ends with the program.
            close(said)
            life.began(code == 0 ? pid : 0)
            spawned.signal()
            guard code == 0 else { return }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let ended = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
            life.ended(ended)
        }
        spawned.wait()
        try #require(id != 0)
    }

    /// A ``ClusterPeer``.
    convenience init(_ number: Int, key: ClusterKey, seeds: [String], through prefix: [String] = []) throws {
        try self.init("ClusterPeer", ["\(number)", key.hexadecimal] + seeds, through: prefix)
    }

    deinit {
        if life.status == nil, life.id != 0 { kill(life.id, SIGKILL) }
        unlink(fifo)
    }

    var id: pid_t { life.id }

    /// Its output by now.
    var lines: [Substring] { output.said.lines }

    /// Waits for this many lines with the prefix, and returns the rest of the last one. The suite's time limit ends a
    /// hang.
    @discardableResult
    func wait(for start: String, times count: Int = 1) async throws -> String {
        let limit = ContinuousClock.now + .seconds(60)
        while true {
            let (lines, isEnded) = output.said
            try #require(.now < limit, "it did not say \"\(start)\" \(count) times, but: \(lines)")
            let found = lines.filter { $0.hasPrefix(start) }
            if found.count >= count { return String(found[count - 1].dropFirst(start.count)) }
            try #require(!isEnded, "it ended without \"\(start)\" \(count) times, after: \(lines)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Types a line.
    func type(_ line: String) { typing.write(Data((line + "\n").utf8)) }

    /// Ends the input.
    func endInput() throws { try typing.close() }

    func signal(_ number: Int32) { kill(id, number) }

    /// All its output, after its end.
    func end() async throws -> (status: Int32, lines: [Substring]) {
        let limit = ContinuousClock.now + .seconds(60)
        while true {
            try #require(.now < limit, "it did not end (\(String(describing: life.status))), after: \(output.said)")
            if let status = life.status, output.said.isEnded { return (status, output.said.lines) }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Resident memory in bytes (proc_pid_statm(5)).
    func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8).split(separator: " ")
        return try #require(fields.count > 1 ? Int(fields[1]) : nil) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
