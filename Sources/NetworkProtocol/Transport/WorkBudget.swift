internal import Identity
internal import NIOCore
internal import Synchronization

/// What all the connections of a daemon have in progress together, and those of each peer.
///
/// A message counts from when it is read until its handler has returned, even if its connection has ended: a peer that
/// reconnects gets no second budget. While a budget is full, its sockets are not read.
final class WorkBudget: Sendable {
    /// Called once when there is room, from any thread.
    typealias Wake = @Sendable () -> Void

    /// Identifies a budget: a proved key, a user of this machine, or else the network of the connection.
    enum Key: Hashable, Sendable {
        case endpoint(EndpointID)
        case certificate(CertificatePin)
        case user(UInt32)
        /// An IPv4 address, or the first 64 bits of an IPv6 address, under which one host has any number of addresses.
        case network([UInt8])
    }

    /// One limit, and the connections that wait for room below it.
    private final class Level: Sendable {
        private struct State {
            var limit: WorkLimit
            var waiting: [UInt64: Wake] = [:]
        }

        private let state: Mutex<State>
        /// A copy of the locked state for the many readers.
        private let full = Atomic(false)

        init(_ limit: WorkLimit) { state = Mutex(State(limit: limit)) }

        var inWork: (messages: Int, bytes: Int) { state.withLock { ($0.limit.messagesInWork, $0.limit.bytesInWork) } }

        func begin(bytes: Int) {
            state.withLock { state in
                state.limit.begin(bytes: bytes)
                if state.limit.isFull { full.store(true, ordering: .relaxed) }
            }
        }

        func end(bytes: Int) {
            let woken = state.withLock { state -> [UInt64: Wake] in
                guard state.limit.end(bytes: bytes) else { return [:] }
                full.store(false, ordering: .relaxed)
                defer { state.waiting = [:] }
                return state.waiting
            }
            for wake in woken.values { wake() }
        }

        func hasRoom(for connection: UInt64, _ wake: @escaping Wake) -> Bool {
            guard full.load(ordering: .relaxed) else { return true }
            return state.withLock { state in
                guard state.limit.isFull else { return true }
                state.waiting[connection] = wake
                return false
            }
        }

        func forget(_ connection: UInt64) { state.withLock { $0.waiting[connection] = nil } }
    }

    /// One peer's part of the budget: for its connections, and for the handlers that outlive them.
    final class Account: Sendable {
        private let budget: WorkBudget
        let key: Key
        private let own: Level

        fileprivate init(_ budget: WorkBudget, _ key: Key) {
            self.budget = budget
            self.key = key
            own = Level(budget.limitOfPeer)
        }

        deinit { budget.forget(key) }

        /// Messages of this peer in progress, and their bytes.
        var inWork: (messages: Int, bytes: Int) { own.inWork }

        /// Whether one more message may be read; if not, `wake` is called once it is worth asking again.
        func hasRoom(for connection: UInt64, _ wake: @escaping Wake) -> Bool {
            own.hasRoom(for: connection, wake) && budget.all.hasRoom(for: connection, wake)
        }

        func begin(bytes: Int) {
            own.begin(bytes: bytes)
            budget.all.begin(bytes: bytes)
        }

        func end(bytes: Int) {
            own.end(bytes: bytes)
            budget.all.end(bytes: bytes)
        }

        /// The connection has ended and no longer waits for room.
        func forget(_ connection: UInt64) {
            own.forget(connection)
            budget.all.forget(connection)
        }
    }

    private struct Held {
        weak var account: Account?
    }

    private let all: Level
    private let limitOfPeer: WorkLimit
    /// Those that a connection or a handler refers to.
    private let accounts = Mutex<[Key: Held]>([:])

    init(all: WorkLimit, ofPeer: WorkLimit) {
        self.all = Level(all)
        limitOfPeer = ofPeer
    }

    /// Messages in progress, and their bytes.
    var inWork: (messages: Int, bytes: Int) { all.inWork }

    /// Peers that are remembered.
    var accountCount: Int { accounts.withLock { $0.count } }

    func account(of key: Key) -> Account {
        accounts.withLock { accounts in
            if let account = accounts[key]?.account { return account }
            let account = Account(self, key)
            accounts[key] = Held(account: account)
            return account
        }
    }

    private func forget(_ key: Key) {
        // Another may have been made meanwhile.
        accounts.withLock { accounts in
            if accounts[key]?.account == nil { accounts[key] = nil }
        }
    }
}

extension WorkBudget.Key {
    init(_ peer: Peer, from address: SocketAddress?) {
        if let id = peer.endpointID {
            self = .endpoint(id)
        } else if let pin = peer.certificatePin {
            self = .certificate(pin)
        } else if let user = peer.credentials?.userID {
            self = .user(user)
        } else {
            self = .network(WorkBudget.Key.network(address))
        }
    }

    /// Empty without an address.
    private static func network(_ address: SocketAddress?) -> [UInt8] {
        guard let bytes = address.flatMap({ PeerAddress.bytes(of: $0) }) else { return [] }
        guard bytes.count == 16 else { return bytes }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return Array(isMapped ? bytes[12...] : bytes[..<8])
    }
}
