internal import Logging
internal import Synchronization

/// The handlers of a daemon, whose tasks are children of the one that runs it.
final class DaemonHandlers: Sendable {
    private struct State {
        var waiting: [ConnectionWork] = []
        var taker: CheckedContinuation<ConnectionWork?, Never>?
        var isEnded = false
    }

    let dispatcher: Dispatcher
    let budget: WorkBudget
    /// Logs what handlers throw, which peers may know how to cause.
    let failures: PeerLog<WorkBudget.Key>
    private let state = Mutex(State())

    /// Failures of one peer that get a line at once. Then one every 20 s does: some 3 MB a day for a peer that makes
    /// handlers fail again and again.
    static let failureLines = 16
    private static let failureInterval: Int64 = 20_000_000_000

    init(_ dispatcher: Dispatcher, _ budget: WorkBudget, _ logger: Logger) {
        self.dispatcher = dispatcher
        self.budget = budget
        failures = PeerLog(logger, LogLimit(burst: Self.failureLines, interval: Self.failureInterval))
    }

    /// Runs a connection's work.
    func start(_ work: ConnectionWork) {
        let (taker, isLate) = state.withLock { state -> (CheckedContinuation<ConnectionWork?, Never>?, Bool) in
            guard !state.isEnded else { return (nil, true) }
            if let taker = state.taker {
                state.taker = nil
                return (taker, false)
            }
            state.waiting.append(work)
            return (nil, false)
        }
        taker?.resume(returning: work)
        if isLate { work.abandon() }
    }

    /// Runs what is started until ``end()``; returns when all of it has ended.
    func run() async {
        await withDiscardingTaskGroup { group in
            while let work = await next() {
                group.addTask(executorPreference: work.connection.executor) { await work.run() }
            }
        }
    }

    /// Nothing more is started.
    func end() {
        failures.finish(.info, "handlers failed, without a line each")
        let (taker, late) = state.withLock {
            state -> (CheckedContinuation<ConnectionWork?, Never>?, [ConnectionWork]) in
            state.isEnded = true
            defer {
                state.taker = nil
                state.waiting = []
            }
            return (state.taker, state.waiting)
        }
        taker?.resume(returning: nil)
        for work in late { work.abandon() }
    }

    /// Not ended by the cancellation of its task: work that ends then must still be run to its end.
    private func next() async -> ConnectionWork? {
        await withCheckedContinuation { continuation in
            let found = state.withLock { state -> ConnectionWork?? in
                if !state.waiting.isEmpty { return .some(state.waiting.removeFirst()) }
                if state.isEnded { return .some(nil) }
                state.taker = continuation
                return nil
            }
            if let found { continuation.resume(returning: found) }
        }
    }
}
