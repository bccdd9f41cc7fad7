internal import FileTransfer
internal import Synchronization

/// What may be done with a transfer while it runs, from any thread.
package final class TransferControl: Sendable {
    private let paused = Atomic(false)
    private let canceled = Atomic(false)

    package init() {}

    package var isPaused: Bool { paused.load(ordering: .relaxed) }
    package var isCanceled: Bool { canceled.load(ordering: .relaxed) }

    package func pause() { paused.store(true, ordering: .relaxed) }
    package func resume() { paused.store(false, ordering: .relaxed) }
    package func cancel() { canceled.store(true, ordering: .relaxed) }

    /// Has the session do what was asked for.
    ///
    /// - Parameter reason: what the peer learns if it was canceled.
    func apply<Content: SessionContent & ~Copyable>(to session: inout Session<Content>, _ reason: String) {
        session.isPaused = isPaused
        if isCanceled { session.close(.canceled, reason) }
    }
}
