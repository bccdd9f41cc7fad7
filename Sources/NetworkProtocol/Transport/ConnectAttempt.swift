internal import NIOCore
internal import Synchronization

/// One attempt to connect. The first result counts, and is reported once; a channel that connects later is closed.
///
/// The attempt keeps no reference to the connection that it reported: a connection that nothing refers to closes
/// itself.
final class ConnectAttempt: Sendable {
    /// Tells a channel's handler, before the channel is closed, that nothing waits for it anymore.
    struct GivenUp: Sendable {}

    typealias Outcome = Result<Connection, ConnectionError>

    private struct Candidate {
        let channel: any Channel
        /// What its handler reported.
        var outcome: Outcome?
    }

    private struct State {
        var isOver = false
        /// A name may have several addresses. Each attempted address has a channel, and one of them is chosen.
        var candidates: [Candidate] = []
        var chosen: Int?
    }

    private let state = Mutex(State())
    private let waiter = ConnectionWaiter<Connection>()

    /// Waits for the result. If the task is canceled, all channels of the attempt are closed at once.
    func outcome() async throws(ConnectionError) -> Connection {
        try await waiter.value { self.finish(.failure(.cancelled)) }
    }

    /// The number of a channel; nil if the attempt is over and the channel is not needed.
    func enter(_ channel: any Channel) -> Int? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            state.candidates.append(Candidate(channel: channel))
            return state.candidates.count - 1
        }
    }

    /// The result of a channel, as reported by its handler.
    func report(_ number: Int, _ outcome: Outcome) {
        let isChosen = state.withLock { state in
            guard state.candidates.indices.contains(number) else { return false }
            state.candidates[number].outcome = outcome
            return state.chosen == number
        }
        if isChosen { finish(outcome) }
    }

    /// This channel is connected; the others are closed.
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
