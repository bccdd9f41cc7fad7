internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemErrors

/// How a child ended, and what it wrote.
package struct ChildExit: Sendable {
    package enum Status: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    package let status: Status
    /// At most the limit given at the start; the rest was read and dropped.
    package let output: [UInt8]
    package let errorOutput: [UInt8]

    /// The exit code as shells tell it: 128 + the signal for a killed process.
    package var code: Int32 {
        switch status {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}

/// A child could not be started.
package struct ChildProcessError: Error, CustomStringConvertible {
    package let executable: String
    package let code: Int32

    package var isMissing: Bool { code == ENOENT }

    package var description: String {
        code == ENOENT
            ? "\(executable) was not found; install it or set its path"
            : "cannot start \(executable): \(SystemError.reason(of: code))"
    }
}

/// A child in a process group of its own that dies with us, however we end.
package final class ChildProcess: Sendable {
    private enum Life {
        case running
        case ended(ChildExit)
    }

    private struct State {
        var life = Life.running
        var waiters: [CheckedContinuation<ChildExit, Never>] = []
    }

    package let pid: Int32
    private let state = Mutex(State())

    private init(pid: Int32) { self.pid = pid }

    /// Starts `executable` (looked up in PATH when it has no slash). `environment` entries are added to our own.
    /// - Parameter outputLimit: bytes kept of each of standard output and standard error.
    package static func start(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        outputLimit: Int = 8 << 20
    ) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            // The child dies with the thread that started it, so this block lasts as long as the child.
            DispatchQueue(label: "child \(executable)").async {
                do {
                    let (pid, output, error) = try spawn(executable, arguments, environment)
                    let child = ChildProcess(pid: pid)
                    continuation.resume(returning: child)
                    child.attend(output: output, error: error, limit: outputLimit)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Waits for the end.
    package func exit() async -> ChildExit {
        await withCheckedContinuation { continuation in
            let ended: ChildExit? = state.withLock { state in
                if case .ended(let exit) = state.life { return exit }
                state.waiters.append(continuation)
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    package var isRunning: Bool {
        state.withLock { if case .running = $0.life { true } else { false } }
    }

    /// Sends a signal to the child's whole group, if it still runs.
    package func signal(_ number: Int32) {
        // Under the lock the child cannot have been reaped, so the id is still its own.
        state.withLock { state in
            if case .running = state.life { _ = kill(-pid, number) }
        }
    }

    /// SIGTERM, then SIGKILL after `grace`; returns when the child is gone.
    @discardableResult
    package func terminate(grace: Duration = .seconds(5)) async -> ChildExit {
        signal(SIGTERM)
        let enforcement = Task {
            try await Task.sleep(for: grace)
            self.signal(SIGKILL)
        }
        let exit = await exit()
        enforcement.cancel()
        return exit
    }

    // MARK: The child's thread

    private func attend(output: Int32, error: Int32, limit: Int) {
        var kept: [[UInt8]] = [[], []]
        var open = [output, error]
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while open.contains(where: { $0 >= 0 }) {
            var polled = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            // The array outlives the call.
            guard unsafe poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { break }
            for index in polled.indices where polled[index].revents != 0 {
                let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                    unsafe read(open[index], buffer.baseAddress, buffer.count)
                }
                if count > 0 {
                    let room = limit - kept[index].count
                    kept[index].append(contentsOf: chunk[..<min(count, max(0, room))])
                } else if count == 0 || errno != EINTR {
                    close(open[index])
                    open[index] = -1
                }
            }
        }
        for descriptor in open where descriptor >= 0 { close(descriptor) }

        // Wait without reaping, so that the id stays the child's until `signal` can no longer use it.
        var info = unsafe siginfo_t()
        // The structure outlives the call.
        while unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (exit, waiters) = state.withLock { state -> (ChildExit, [CheckedContinuation<ChildExit, Never>]) in
            // Whatever it started is in its group and goes with it.
            _ = kill(-pid, SIGKILL)
            var status: Int32 = 0
            while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7f
            let exit = ChildExit(
                status: signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal),
                output: kept[0],
                errorOutput: kept[1]
            )
            state.life = .ended(exit)
            defer { state.waiters = [] }
            return (exit, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }

    private static func spawn(
        _ executable: String,
        _ arguments: [String],
        _ environment: [String: String]
    ) throws -> (pid: Int32, output: Int32, error: Int32) {
        var pipes: [[Int32]] = []
        for _ in 0..<2 {
            var ends: [Int32] = [0, 0]
            let code = unsafe outpost_pipe(&ends)
            guard code == 0 else {
                for end in pipes.joined() { close(end) }
                throw ChildProcessError(executable: executable, code: code)
            }
            pipes.append(ends)
        }
        var variables = ownEnvironment()
        for (name, value) in environment { variables[name] = value }

        var pid: Int32 = 0
        let code = unsafe withCStrings([executable] + arguments) { argv in
            unsafe withCStrings(variables.map { "\($0.key)=\($0.value)" }) { envp in
                unsafe outpost_spawn(executable, argv, envp, pipes[0][1], pipes[1][1], &pid)
            }
        }
        close(pipes[0][1])
        close(pipes[1][1])
        guard code == 0 else {
            close(pipes[0][0])
            close(pipes[1][0])
            throw ChildProcessError(executable: executable, code: code)
        }
        return (pid, pipes[0][0], pipes[1][0])
    }

    private static func ownEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        // `environ` is read only, and nothing in this package writes to it.
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let pair = unsafe String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            unsafe entry += 1
        }
        return variables
    }

    /// Calls `body` with a null-terminated array of C strings that lives for the call.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(pointers)
    }
}
