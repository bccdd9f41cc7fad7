internal import NIOCore
internal import Synchronization

/// The connections of a gate: those whose first bytes are pending, and the admitted ones. A slot is released when its
/// connection ends.
final class GateSlots: Sendable {
    /// Connections whose first bytes are pending; one more closes the oldest of them, which has had the most time.
    static let maximumPending = 32

    private struct State {
        /// Oldest first.
        var pending: [any Channel] = []
        var open: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    private let maximum: Int

    /// - Parameter maximum: connections that are admitted at the same time.
    init(_ maximum: Int) { self.maximum = maximum }

    /// False if the gate is closed.
    func arrive(_ channel: any Channel) -> Bool {
        let (isOpen, pushedOut) = state.withLock { state -> (Bool, (any Channel)?) in
            guard !state.isClosed else { return (false, nil) }
            let oldest = state.pending.count < Self.maximumPending ? nil : state.pending.removeFirst()
            state.pending.append(channel)
            return (true, oldest)
        }
        pushedOut?.close(promise: nil)
        if isOpen { channel.closeFuture.whenComplete { _ in self.leave(channel) } }
        return isOpen
    }

    /// False if all slots are taken or the connection has gone meanwhile.
    func enter(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard let index = state.pending.firstIndex(where: { $0 === channel }) else { return false }
            state.pending.remove(at: index)
            guard state.open.count < maximum else { return false }
            state.open[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    /// Closes all, and waits for the last of them.
    func close() async {
        let channels = state.withLock { state in
            state.isClosed = true
            return state.pending + state.open.values
        }
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
    }

    private func leave(_ channel: any Channel) {
        state.withLock { state in
            state.pending.removeAll { $0 === channel }
            state.open[ObjectIdentifier(channel)] = nil
        }
    }
}
