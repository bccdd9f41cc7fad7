internal import Synchronization

/// The handlers of one connection: child tasks of one task, which is a child of the daemon's ``Daemon/run()``.
///
///     resting ─▶ running ─▶ ended         a job arrives; the connection ends
///        ◀─ rest, with nothing in progress
///
/// While it runs, one task (on the connection's event loop, where nothing can keep it from running) adds workers and
/// cancels them when the connection ends. Each worker handles one message after the other, and one of them stays for
/// the next message. An idle connection has neither. When the connection has ended, and all its handlers have returned,
/// the program is notified, and only then the connection's slot is free.
final class ConnectionWork: Sendable {
    /// The work of a worker.
    struct Job: Sendable {
        /// Of the message; nil for work that counts its messages itself.
        let bytes: Int?
        /// Whether it is run, canceled, even if the connection has ended before its turn.
        var isDue = false
        let run: @Sendable () async -> Void
    }

    private enum Step {
        case add(Int)
        case rest
        case end
    }

    private struct State {
        /// Whether a task runs it, or is about to.
        var isRunning = false
        var end: ConnectionError?
        var jobs: [Job] = []
        /// Jobs for which a worker is to be added.
        var due = 0
        var workers = 0
        /// Whether a job was added for the worker that waits.
        var isHandOverDue = false
        /// The worker that waits for a job.
        var idle: CheckedContinuation<Job?, Never>?
        /// The task that adds workers.
        var adder: CheckedContinuation<Step, Never>?

        mutating func takeDue() -> Int {
            defer { due = 0 }
            workers += due
            return due
        }
    }

    /// After this time on one connection's messages, other tasks get their turn: handlers that never suspend do not
    /// yield their thread.
    static let turn = Duration.milliseconds(1)

    let connection: Connection
    let account: WorkBudget.Account
    private let handlers: DaemonHandlers
    /// Releases the connection's slot.
    private let ended: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        _ connection: Connection,
        _ account: WorkBudget.Account,
        _ handlers: DaemonHandlers,
        ended: @escaping @Sendable () -> Void
    ) {
        self.connection = connection
        self.account = account
        self.handlers = handlers
        self.ended = ended
    }

    /// Tasks that run or wait for a message.
    var workerCount: Int { state.withLock { $0.workers } }

    // MARK: On the event loop

    /// Schedules a job; if it has bytes, `account` has counted them. A worker that waits for one takes it after
    /// ``handOver()``.
    func put(_ job: Job) {
        enum Next {
            case add(CheckedContinuation<Step, Never>, Int)
            case start
            case wait
            case drop
        }
        let next = state.withLock { state -> Next in
            guard state.end == nil else { return .drop }
            state.jobs.append(job)
            if state.idle != nil, !state.isHandOverDue {
                state.isHandOverDue = true
                return .wait
            }
            state.due += 1
            guard state.isRunning else {
                state.isRunning = true
                return .start
            }
            guard let adder = state.adder else { return .wait }
            state.adder = nil
            return .add(adder, state.takeDue())
        }
        switch next {
        case .add(let adder, let count): adder.resume(returning: .add(count))
        case .start: handlers.start(self)
        case .wait: break
        case .drop: drop([job])
        }
    }

    /// Resumes the worker that waits for a job. Called once for all messages that arrived together: waking a thread
    /// costs as much as receiving some kilobytes.
    func handOver() {
        let (idle, job) = state.withLock { state -> (CheckedContinuation<Job?, Never>?, Job?) in
            guard state.isHandOverDue else { return (nil, nil) }
            state.isHandOverDue = false
            // Another worker that has become free may have taken the job. Then this one still waits.
            guard let idle = state.idle, !state.jobs.isEmpty else { return (nil, nil) }
            state.idle = nil
            return (idle, state.jobs.removeFirst())
        }
        if let job { idle?.resume(returning: job) }
    }

    /// Releases all tasks if nothing is in progress.
    func rest() {
        let (adder, idle) = state.withLock {
            state -> (CheckedContinuation<Step, Never>?, CheckedContinuation<Job?, Never>?) in
            guard state.end == nil, state.jobs.isEmpty, state.workers == (state.idle == nil ? 0 : 1),
                let adder = state.adder
            else { return (nil, nil) }
            let idle = state.idle
            state.isRunning = false
            state.adder = nil
            state.idle = nil
            state.workers = 0
            return (adder, idle)
        }
        idle?.resume(returning: nil)
        adder?.resume(returning: .rest)
    }

    /// The connection has ended: running work is canceled, waiting work is dropped.
    func end(_ error: ConnectionError) {
        let (dropped, adder, idle, mustStart) = state.withLock {
            state -> ([Job], CheckedContinuation<Step, Never>?, CheckedContinuation<Job?, Never>?, Bool) in
            guard state.end == nil else { return ([], nil, nil, false) }
            state.end = error
            defer {
                state.jobs = state.jobs.filter(\.isDue)
                state.due = 0
                state.adder = nil
                state.idle = nil
                state.isRunning = true
            }
            return (state.jobs.filter { !$0.isDue }, state.adder, state.idle, !state.isRunning)
        }
        drop(dropped)
        account.forget(connection.id)
        idle?.resume(returning: nil)
        adder?.resume(returning: .end)
        guard mustStart else { return }
        if handlers.dispatcher.closed == nil { ended() } else { handlers.start(self) }
    }

    private func drop(_ jobs: [Job]) { for case let bytes? in jobs.map(\.bytes) { account.end(bytes: bytes) } }

    /// The daemon has ended before this could be run.
    func abandon() {
        end(.closed)
        ended()
    }

    // MARK: As a child of the daemon's task

    /// On the connection's event loop: runs until the connection has ended or rests.
    func run() async {
        let isEnd = await withDiscardingTaskGroup(returning: Bool.self) { group in
            while true {
                switch await nextStep() {
                case .add(let count):
                    for _ in 0..<count {
                        group.addTask(executorPreference: globalConcurrentExecutor) { await self.work() }
                    }
                case .rest: return false
                case .end:
                    group.cancelAll()
                    for job in leftJobs() {
                        group.addTask(executorPreference: globalConcurrentExecutor) { await self.handle(job) }
                    }
                    return true
                }
            }
        }
        guard isEnd else { return }
        if let closed = handlers.dispatcher.closed, let error = state.withLock({ $0.end }) {
            await withTaskExecutorPreference(globalConcurrentExecutor) { await closed(connection, error) }
        }
        ended()
    }

    private func nextStep() async -> Step {
        await withCheckedContinuation { continuation in
            let step = state.withLock { state -> Step? in
                if state.end != nil { return .end }
                if state.due > 0 { return .add(state.takeDue()) }
                state.adder = continuation
                return nil
            }
            if let step { continuation.resume(returning: step) }
        }
    }

    /// One worker.
    private func work() async {
        await Connection.$ofHandler.withValue(connection.id) {
            var end = ContinuousClock.now + ConnectionWork.turn
            while let job = await nextJob() {
                if ContinuousClock.now >= end {
                    await Task.yield()
                    end = .now + ConnectionWork.turn
                }
                await handle(job)
            }
        }
    }

    private func handle(_ job: Job) async {
        await job.run()
        if let bytes = job.bytes { account.end(bytes: bytes) }
    }

    /// After the end: what is run all the same.
    private func leftJobs() -> [Job] {
        state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
    }

    private enum Found {
        case job(Job)
        case leave
        case wait
    }

    /// Nil if this worker is no longer needed.
    private func nextJob() async -> Job? {
        switch state.withLock({ find(in: &$0) }) {
        case .job(let job): return job
        case .leave: return nil
        case .wait: break
        }
        return await withCheckedContinuation { continuation in
            let found = state.withLock { state in
                let found = find(in: &state)
                if case .wait = found { state.idle = continuation }
                return found
            }
            switch found {
            case .job(let job): continuation.resume(returning: job)
            case .leave: continuation.resume(returning: nil)
            case .wait: break
            }
        }
    }

    private func find(in state: inout State) -> Found {
        if state.end == nil {
            if !state.jobs.isEmpty { return .job(state.jobs.removeFirst()) }
            if state.idle == nil { return .wait }
        }
        state.workers -= 1
        return .leave
    }
}
