internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Changes of keys that wait for their turn on one event loop: a few in a round, then whatever else the event loop has to do.
///
/// One connection has one change here at most, and its next one stands behind those of all others; so who has many connections waits for
/// itself. The pause is counted from the end of a round: a round that took long, on a machine that is busy, is not made up for.
final class KeyChangeTurns: Sendable {
    /// Changes in a round: half a millisecond of work.
    static let perRound = 16
    /// Between two rounds, or as long as the round took, if that is longer: half of the event loop is left for others.
    static let shortestPause = Duration.milliseconds(1)

    private struct State {
        var waiting = CircularBuffer<@Sendable () -> Void>()
        var isRoundDue = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    private static let ofThread = ThreadSpecificVariable<KeyChangeTurns>()

    private init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Those of an event loop, on which this must be called.
    static func of(_ eventLoop: any EventLoop) -> KeyChangeTurns {
        eventLoop.preconditionInEventLoop()
        // A thread has one event loop.
        if let turns = ofThread.currentValue { return turns }
        let turns = KeyChangeTurns(eventLoop)
        ofThread.currentValue = turns
        return turns
    }

    /// Has `change` done on the event loop when it is its turn.
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
