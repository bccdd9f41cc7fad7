internal import CLinux
internal import Glibc
internal import Synchronization
package import SystemErrors

/// A thread of its own for work that blocks in the kernel, and the value that it returns.
package final class WorkThread<Value: Sendable>: Sendable {
    private final class Outcome: Sendable {
        struct State {
            var value: Value?
            var waiters: [CheckedContinuation<Value, Never>] = []
        }
        let state = Mutex(State())

        func finish(_ value: Value) {
            let waiters = self.state.withLock { state in
                state.value = value
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume(returning: value) }
        }
    }

    private let outcome: Outcome
    private let handle: Mutex<pthread_t?>

    /// Starts `body` at once. `name` is what `ps -L` and `perf` show; the kernel keeps its first 15 bytes.
    package init(_ name: String, _ body: @escaping @Sendable () -> Value) throws(SystemError) {
        let outcome = Outcome()
        self.outcome = outcome
        handle = Mutex(try ThreadStart(name) { outcome.finish(body()) }.launch())
    }

    deinit {
        handle.withLock { if let thread = $0 { _ = pthread_detach(thread) } }
    }

    /// Blocks the calling thread until the work is done and its thread is gone.
    @discardableResult
    package func join() -> Value {
        handle.withLock {
            guard let thread = $0 else { return }
            pthread_join(thread, nil)
            $0 = nil
        }
        guard let value = outcome.state.withLock({ $0.value }) else {
            // traps because only a bug of ours can end the thread without its value
            preconditionFailure("a joined thread has left its value")
        }
        return value
    }

    /// The value, awaited without blocking a thread.
    package var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let done = outcome.state.withLock { state -> Value? in
                    if state.value == nil { state.waiters.append(continuation) }
                    return state.value
                }
                if let done { continuation.resume(returning: done) }
            }
        }
    }
}

/// The argument of `pthread_create`.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func launch() throws(SystemError) -> pthread_t {
        var thread = pthread_t()
        // The new thread takes over this reference.
        let context = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread,
            nil,
            { pointer in
                guard let pointer = unsafe pointer else { return nil }
                let start = unsafe Unmanaged<ThreadStart>.fromOpaque(pointer).takeRetainedValue()
                unsafe outpost_thread_setup(start.name)  // copies at most 15 bytes
                start.body()
                return nil
            },
            context.toOpaque()
        )
        guard code == 0 else {
            unsafe context.release()
            throw SystemError(call: "pthread_create", subject: name, code: code)
        }
        return thread
    }
}
