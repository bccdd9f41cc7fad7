internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Key changes that wait for their turn on one event loop: a few per round, then the event loop's other work.
///
/// Each connection has at most one change here, and its next one queues behind those of all others; so a peer with many
/// connections waits for itself. The pause counts from the end of a round: a long round, on a busy machine, is not made
/// up for.
final class KeyChangeTurns: Sendable {
    /// Changes per round: half a millisecond of work.
    static let perRound = 16
    /// Between two rounds, or as long as the round took, if that is longer: half of the event loop's time is left for
    /// others.
    static let shortestPause = Duration.milliseconds(1)

    private struct State {
        var waiting = CircularBuffer<@Sendable () -> Void>()
        var isRoundDue = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    private static let ofThread = ThreadSpecificVariable<KeyChangeTurns>()

    private init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The instance of an event loop, on which this must be called.
    static func of(_ eventLoop: any EventLoop) -> KeyChangeTurns {
        eventLoop.preconditionInEventLoop()
        // A thread has one event loop.
        if let turns = ofThread.currentValue { return turns }
        let turns = KeyChangeTurns(eventLoop)
        ofThread.currentValue = turns
        return turns
    }

    /// Runs `change` on the event loop when it is its turn.
    func wait(_ change: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            state.waiting.append(change)
            defer { state.isRoundDue = true }
            return !state.isRoundDue
        }
        if isFirst { schedule(after: KeyChangeTurns.shortestPause) }
    }

    private func schedule(after pause: Duration) {
        eventLoop.scheduleTask(in: TimeAmount(pause)) { self.round() }
    }

    private func round() {
        let start = ContinuousClock.now
        let changes = state.withLock { state in
            let changes = Array(state.waiting.prefix(KeyChangeTurns.perRound))
            state.waiting.removeFirst(changes.count)
            return changes
        }
        for change in changes { change() }
        let isDone = state.withLock { state in
            state.isRoundDue = !state.waiting.isEmpty
            return !state.isRoundDue
        }
        if !isDone { schedule(after: max(KeyChangeTurns.shortestPause, .now - start)) }
    }
}
