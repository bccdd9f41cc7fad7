internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemErrors

/// A child in a process group of its own that dies with this process, however this process ends.
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

    /// Starts `executable` (looked up in PATH if it has no slash). `environment` entries are added to our own.
    ///
    /// - Parameters:
    ///   - input: what the child reads on standard input, followed by end of file; it need not read it.
    ///   - descriptors: become the child's 3, 4, …; the caller keeps and closes its own.
    ///   - outputLimit: bytes to keep of each of standard output and standard error.
    /// - Throws: ``ChildProcessError``.
    package static func start(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        input: [UInt8] = [],
        descriptors: [Int32] = [],
        outputLimit: Int = 8 << 20
    ) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            // The child dies with the thread that started it, so this block lasts as long as the child.
            DispatchQueue(label: "child \(executable)").async {
                do {
                    let (pid, pipes) = try ChildSpawn(executable, arguments, environment).attended(
                        takesInput: !input.isEmpty,
                        descriptors
                    )
                    let child = ChildProcess(pid: pid)
                    continuation.resume(returning: child)
                    child.attend(ChildPipes(pipes, input: input, limit: outputLimit))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Starts a child that survives this process: a session of its own, with nothing on standard input.
    ///
    /// - Parameter output: receives its standard output and error, for example a log file; nil drops them.
    /// - Returns: its process ID. The system reaps it.
    /// - Throws: ``ChildProcessError``.
    package static func startOutliving(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        output: Int32? = nil,
        descriptors: [Int32] = []
    ) throws -> Int32 {
        try ChildSpawn(executable, arguments, environment).outliving(output: output, descriptors)
    }

    /// Waits until the child ends.
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
        // Under the lock the child cannot have been reaped, so the ID is still its own.
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

    private func attend(_ pipes: consuming ChildPipes) {
        let (output, errorOutput) = pipes.run()
        // Waits without reaping, so that the ID stays the child's until `signal` can no longer use it.
        var info = unsafe siginfo_t()
        // The structure outlives the call.
        while unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (exit, waiters) = state.withLock { state -> (ChildExit, [CheckedContinuation<ChildExit, Never>]) in
            // Everything that it started is in its group and is killed with it.
            _ = kill(-pid, SIGKILL)
            var status: Int32 = 0
            while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7f
            let exit = ChildExit(
                status: signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal),
                output: output,
                errorOutput: errorOutput
            )
            state.life = .ended(exit)
            defer { state.waiters = [] }
            return (exit, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }
}
