internal import Foundation
internal import Synchronization
package import Testing

/// Runs each case of a test on a thread of its own.
///
/// Tests run on the few threads of Swift's tasks, and so do the programs under test. A test that waits in a system call
/// or computes for seconds keeps such a thread that long; two of them on two processors stop every server of the other
/// tests, whose clients then report that it does not answer.
package struct OwnThread: TestTrait, SuiteTrait, TestScoping {
    fileprivate static let mark = "outpost.test"
    /// Whether the caller is on such a thread.
    package static var isCurrent: Bool { Thread.current.threadDictionary[mark] != nil }

    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(ThreadExecutor()) { try await function() }
    }
}

extension Trait where Self == OwnThread {
    /// For tests that wait in system calls, or compute for a second or more without a pause.
    package static var ownThread: OwnThread { OwnThread() }
}

/// Runs jobs in order on one thread, which ends with it.
private final class ThreadExecutor: TaskExecutor {
    private let jobs = Jobs()

    init() {
        Thread.detachNewThread { [jobs] in
            Thread.current.threadDictionary[OwnThread.mark] = true
            // Each job's task keeps the executor alive.
            while let (job, executor) = jobs.next() { unsafe job.runSynchronously(on: executor) }
        }
    }

    deinit { jobs.end() }

    func enqueue(_ job: consuming ExecutorJob) { jobs.add(UnownedJob(job), asUnownedTaskExecutor()) }
}

private final class Jobs: Sendable {
    private struct State {
        var waiting: [(UnownedJob, UnownedTaskExecutor)] = []
    }

    private let state = Mutex(State())
    private let added = DispatchSemaphore(value: 0)

    func add(_ job: UnownedJob, _ executor: UnownedTaskExecutor) {
        state.withLock { $0.waiting.append((job, executor)) }
        added.signal()
    }

    func end() { added.signal() }

    /// Waits for the next one; nil after the end.
    func next() -> (UnownedJob, UnownedTaskExecutor)? {
        added.wait()
        return state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }
}
