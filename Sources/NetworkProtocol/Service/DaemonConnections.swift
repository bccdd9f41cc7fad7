internal import NIOCore
internal import Synchronization

/// The connections of a daemon, and their limit.
///
/// A connection in its handshake keeps its slot only until a newer one needs it, so a flood of stalled handshakes
/// evicts itself. A connection that was open keeps its slot until its handlers have returned, so reconnecting again and
/// again makes no more handlers than there are slots.
final class DaemonConnections: Sendable {
    private struct Entry {
        enum Phase {
            case waiting
            case open(Connection)
            case closed
        }

        let channel: any Channel
        var phase = Phase.waiting
        /// The channel, and the connection's handlers once there are any.
        var holders = 1

        var isWaiting: Bool { if case .waiting = phase { true } else { false } }
        var connection: Connection? { if case .open(let connection) = phase { connection } else { nil } }
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var nextID: UInt64 = 0
        /// Numbers of those that were not open when they arrived, oldest first; some have opened or gone since.
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

    /// The length of the waiting list before entries that opened or went are removed: at least twice the limit, if that
    /// is a valid number.
    private var longestList: Int { limit < .max / 4 ? 2 * limit + 64 : .max }

    /// The number of a new connection; nil if there is no slot for it.
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

    /// Its handlers need its slot too.
    func hold(_ id: UInt64) { state.withLock { $0.entries[id]?.holders += 1 } }

    /// Its channel is closed.
    func closed(_ id: UInt64) {
        state.withLock { $0.entries[id]?.phase = .closed }
        leave(id)
    }

    /// One of its holders no longer needs it.
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

    /// Admits no more, cuts those in their handshake, lets the others finish, and returns when all are gone.
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

    /// Admits no more, and cuts all; returns how many there were.
    @discardableResult
    func cutAll() -> Int {
        let channels = state.withLock { state in
            // One that was accepted a moment ago may arrive only now.
            state.isClosed = true
            return state.entries.values.map(\.channel)
        }
        for channel in channels { channel.close(mode: .all, promise: nil) }
        return channels.count
    }
}
