internal import NIOCore
internal import Synchronization

/// One attempt to connect: its outcome is told once, by whoever has it first, and whatever comes after that is closed.
///
/// It keeps nothing of what it told: a connection that nobody holds any more closes itself.
final class ConnectAttempt: Sendable {
    /// Tells a channel's handler that nobody waits for it any more, before the channel is closed.
    struct GivenUp: Sendable {}

    typealias Outcome = Result<Connection, ConnectionError>

    private struct Candidate {
        let channel: any Channel
        /// What its handler told.
        var outcome: Outcome?
    }

    private struct State {
        var isOver = false
        /// A name may have several addresses, and each that is tried has a channel; one of them is chosen.
        var candidates: [Candidate] = []
        var chosen: Int?
    }

    private let state = Mutex(State())
    private let waiter = ConnectionWaiter<Connection>()

    /// Waits for the outcome. When the task is cancelled, all there is of the attempt is closed at once.
    func outcome() async throws(ConnectionError) -> Connection {
        try await waiter.value { self.finish(.failure(.cancelled)) }
    }

    /// The number of a channel; nil when the attempt is over, and the channel of no use.
    func enter(_ channel: any Channel) -> Int? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            state.candidates.append(Candidate(channel: channel))
            return state.candidates.count - 1
        }
    }

    /// What became of a channel, as its handler tells.
    func told(_ number: Int, _ outcome: Outcome) {
        let isChosen = state.withLock { state in
            guard state.candidates.indices.contains(number) else { return false }
            state.candidates[number].outcome = outcome
            return state.chosen == number
        }
        if isChosen { finish(outcome) }
    }

    /// This channel is connected, and the others are given up.
    func choose(_ channel: any Channel) {
        let outcome = state.withLock { state -> Outcome? in
            state.chosen = state.candidates.firstIndex { $0.channel === channel }
            return state.chosen.flatMap { state.candidates[$0].outcome }
        }
        if let outcome { finish(outcome) }
    }

    func finish(_ outcome: Outcome) {
        let candidates = state.withLock { state -> [Candidate]? in
            guard !state.isOver else { return nil }
            state.isOver = true
            defer { state.candidates = [] }
            return state.candidates
        }
        guard let candidates else { return }
        waiter.resume(with: outcome)
        guard case .failure = outcome else { return }
        for candidate in candidates {
            let channel = candidate.channel
            channel.eventLoop.execute {
                channel.pipeline.fireUserInboundEventTriggered(GivenUp())
                channel.close(mode: .all, promise: nil)
            }
        }
    }
}
