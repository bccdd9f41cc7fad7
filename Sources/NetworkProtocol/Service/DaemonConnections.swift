internal import NIOCore
internal import Synchronization

/// The connections of a daemon, and how many there may be.
///
/// Whoever is still in the handshake holds a place only until somebody newer needs it, so a flood of stalled handshakes pushes out itself.
/// One that was open holds it until its handlers have returned, so connecting again and again makes them no more than there are places for.
final class DaemonConnections: Sendable {
    private struct Entry {
        enum Phase {
            case waiting
            case open(Connection)
            case closed
        }

        let channel: any Channel
        var phase = Phase.waiting
        /// The channel, and the handlers of the connection once there are any.
        var holders = 1

        var isWaiting: Bool { if case .waiting = phase { true } else { false } }
        var connection: Connection? { if case .open(let connection) = phase { connection } else { nil } }
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var nextID: UInt64 = 0
        /// Numbers of those that were not open when they came, oldest first; some have opened or gone since.
        var waiting: [UInt64] = []
        var firstWaiting = 0
        var isClosed = false
        var emptied: CheckedContinuation<Void, Never>?

        /// The oldest that is still not open.
        mutating func oldestWaiting() -> Entry? {
            while firstWaiting < waiting.count {
                let id = waiting[firstWaiting]
                firstWaiting += 1
                guard let entry = entries[id], entry.isWaiting else { continue }
                entries[id] = nil
                return entry
            }
            waiting = []
            firstWaiting = 0
            return nil
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Of the list of those that wait, before those that opened or went are taken out of it: at least twice the limit where that is a number.
    private var longestList: Int { limit < .max / 4 ? 2 * limit + 64 : .max }

    /// The number of a new connection; nil when there is no place for it.
    func enter(_ channel: any Channel) -> UInt64? {
        let (id, evicted) = state.withLock { state -> (UInt64?, (any Channel)?) in
            guard !state.isClosed else { return (nil, nil) }
            var evicted: (any Channel)?
            if state.entries.count >= limit {
                evicted = state.oldestWaiting()?.channel
                if evicted == nil { return (nil, nil) }
            }
            state.nextID += 1
            let id = state.nextID
            state.entries[id] = Entry(channel: channel)
            state.waiting.append(id)
            if state.waiting.count > longestList {
                state.waiting = state.waiting[state.firstWaiting...].filter {
                    state.entries[$0]?.isWaiting ?? false
                }
                state.firstWaiting = 0
            }
            return (id, evicted)
        }
        evicted?.close(mode: .all, promise: nil)
        return id
    }

    func opened(_ id: UInt64, _ connection: Connection) {
        state.withLock { $0.entries[id]?.phase = .open(connection) }
    }

    /// Its handlers need its place too.
    func hold(_ id: UInt64) { state.withLock { $0.entries[id]?.holders += 1 } }

    /// Its channel is closed.
    func closed(_ id: UInt64) {
        state.withLock { $0.entries[id]?.phase = .closed }
        leave(id)
    }

    /// One of those that hold it needs it no more.
    func leave(_ id: UInt64) {
        let emptied = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.entries[id]?.holders -= 1
            if let entry = state.entries[id], entry.holders > 0 { return nil }
            state.entries[id] = nil
            guard state.isClosed, state.entries.isEmpty else { return nil }
            defer { state.emptied = nil }
            return state.emptied
        }
        emptied?.resume()
    }

    /// Closes the oldest connection that is not open, for its descriptor.
    func makeRoom() { state.withLock { $0.oldestWaiting() }?.channel.close(mode: .all, promise: nil) }

    var count: Int { state.withLock { $0.entries.count } }

    var open: [Connection] { state.withLock { $0.entries.values.compactMap(\.connection) } }

    /// Admits none any more, cuts those in their handshake, lets the others finish, and returns when all are gone.
    func finishAll() async {
        let entries = state.withLock { state in
            state.isClosed = true
            return Array(state.entries.values)
        }
        for entry in entries {
            switch entry.phase {
            case .waiting: entry.channel.close(mode: .all, promise: nil)
            case .open(let connection): connection.beginClosing()
            case .closed: break
            }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.entries.isEmpty { return true }
                state.emptied = continuation
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Admits none any more, and cuts all there are; how many it were.
    @discardableResult
    func cutAll() -> Int {
        let channels = state.withLock { state in
            // One that was accepted a moment ago may come only now.
            state.isClosed = true
            return state.entries.values.map(\.channel)
        }
        for channel in channels { channel.close(mode: .all, promise: nil) }
        return channels.count
    }
}
