internal import Identity
internal import NIOCore
internal import Synchronization

/// What all the connections of a daemon have in work together, and those of each peer.
///
/// A message counts from when it is read until its handler has returned, whether its connection still stands or not: a peer that
/// connects again gets no second budget. While one is full, the sockets that it is for are not read.
final class WorkBudget: Sendable {
    /// Called once when there is room, from any thread.
    typealias Wake = @Sendable () -> Void

    /// Who shares a budget: a key that was proved, a user of this machine, or else the network that the connection comes from.
    enum Key: Hashable, Sendable {
        case endpoint(EndpointID)
        case certificate(CertificatePin)
        case user(UInt32)
        /// An IPv4 address, or the first 64 bits of an IPv6 address, which one host has as many addresses under as it likes.
        case network([UInt8])
    }

    /// One limit, and the connections that wait for room below it.
    private final class Level: Sendable {
        private struct State {
            var limit: WorkLimit
            var waiting: [UInt64: Wake] = [:]
        }

        private let state: Mutex<State>
        /// What the lock guards, for the many who only look.
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

        /// Messages of this peer in work, and their bytes.
        var inWork: (messages: Int, bytes: Int) { own.inWork }

        /// Whether one more message may be read; when not, `wake` is called once it may be worth asking again.
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

        /// The connection has ended and waits for no room any more.
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

    /// Messages in work, and their bytes.
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

    /// Empty for what has no address.
    private static func network(_ address: SocketAddress?) -> [UInt8] {
        guard let bytes = address.flatMap({ PeerAddress.bytes(of: $0) }) else { return [] }
        guard bytes.count == 16 else { return bytes }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return Array(isMapped ? bytes[12...] : bytes[..<8])
    }
}
