internal import CLinux
internal import Glibc
internal import SystemErrors

/// A child that shares this process's terminal, standard error and process group, so that it can ask a person for a
/// password, and Ctrl-C reaches both. Its standard input stays open until this is released, or the process ends.
package final class TerminalChild: Sendable {
    package let pid: Int32
    private let input: Int32
    private let output: Int32

    /// Starts `executable` (looked up in PATH if it has no slash). Zero bytes in a word are refused.
    package init(_ executable: String, _ arguments: [String]) throws {
        let words = [executable] + arguments
        guard !words.contains(where: { $0.utf8.contains(0) }) else {
            throw ChildProcessError(executable: executable, code: EINVAL)
        }
        var ends: [[Int32]] = [[0, 0], [0, 0]]
        for index in 0..<2 {
            let code = unsafe outpost_pipe(&ends[index])
            guard code == 0 else { throw ChildProcessError(executable: executable, code: code) }
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[0][0], 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1][1], 1)
        // This process may block and ignore signals that the child must get.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { unsafe sigaddset(&signals, signal) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var pid: Int32 = 0
        // All pointers live for the call.
        var pointers = unsafe words.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&pid, executable, &actions, &attributes, pointers, environ)
        close(ends[0][0])
        close(ends[1][1])
        guard code == 0 else {
            close(ends[0][1])
            close(ends[1][0])
            throw ChildProcessError(executable: executable, code: code)
        }
        self.pid = pid
        input = ends[0][1]
        output = ends[1][0]
    }

    deinit {
        close(input)
        close(output)
    }

    /// The first line of its output, without the line feed. Blocks; nil if the output ends before, or is longer.
    package func firstLine(limit: Int = 65_536) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < limit {
            // One byte into a variable of that size.
            let count = unsafe read(output, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }

    /// Waits until it ends, and drops what it still writes. Returns its exit code: 128 and the signal's number if one
    /// ended it.
    package func exitCode() -> Int32 {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        // The buffer has so many bytes.
        while true {
            let count = unsafe read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
        }
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
}
