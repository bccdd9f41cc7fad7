internal import NIOCore
internal import NetworkProtocolTestSupport
internal import Synchronization
internal import TemporaryFolders
internal import Testing

@testable import NetworkProtocol

@Suite(.timeLimit(.minutes(2))) struct ConnectionPoolTests {
    /// A daemon's view of a pool.
    private final class Witness: Sendable {
        private struct State {
            var open = 0
            var most = 0
            var opened = 0
            var waiting = 0
        }

        private let state = Mutex(State())

        func opened() {
            state.withLock { state in
                state.open += 1
                state.opened += 1
                state.most = max(state.most, state.open)
            }
        }

        func closed() { state.withLock { $0.open -= 1 } }
        func waits() { state.withLock { $0.waiting += 1 } }
        /// Requests that are waiting at the gate.
        var waiting: Int { state.withLock { $0.waiting } }
        /// Most connections at once.
        var most: Int { state.withLock { $0.most } }
        /// All connections so far.
        var total: Int { state.withLock { $0.opened } }
    }

    /// Numbers in order of arrival.
    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])

        var all: [Int] { numbers.withLock { $0 } }
        func append(_ number: Int) { numbers.withLock { $0.append(number) } }
    }

    /// Handlers that wait until the test lets them continue.
    private final class Gate: Sendable {
        private let stream: AsyncStream<Never>
        private let opening: AsyncStream<Never>.Continuation

        init() { (stream, opening) = AsyncStream.makeStream() }

        func pass() async { for await _ in stream {} }
        func open() { opening.finish() }
    }

    private func dispatcher(_ witness: Witness, _ gate: Gate = Gate()) -> Dispatcher {
        var dispatcher = Dispatcher()
        dispatcher.onOpen { _ in witness.opened() }
        dispatcher.onClose { _, _ in witness.closed() }
        dispatcher.onCommandInline("echo") { payload, _ in payload }
        dispatcher.onCommand("wait") { payload, _ in
            witness.waits()
            await gate.pass()
            return payload
        }
        dispatcher.onData { bytes, _ in .data(bytes) }
        return dispatcher
    }

    private func withPool(
        _ witness: Witness,
        _ gate: Gate = Gate(),
        options: ConnectionPoolOptions = ConnectionPoolOptions(),
        _ body: (ConnectionPool, Daemon) async throws -> Void
    ) async throws {
        try await ConfiguredService.withDaemon("", dispatcher(witness, gate)) { daemon, address in
            let pool = ConnectionPool(
                to: .tcp(host: "127.0.0.1", port: try ConfiguredService.port(address), trust: .anonymous),
                options: options
            )
            defer { gate.open() }
            do {
                try await body(pool, daemon)
            } catch {
                await pool.close()
                throw error
            }
            await pool.close()
            #expect(pool.connectionCount == 0)
        }
    }

    /// Yields until the condition holds; if it never does, the suite's time limit ends the test.
    private func until(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test func `a thousand tasks at once, and the daemon never sees more connections than the limit`() async throws {
        let witness = Witness()
        var options = ConnectionPoolOptions()
        options.maximumConnections = 4
        options.maximumRequestsPerConnection = 8
        options.acquireTimeout = .seconds(100)
        try await withPool(witness, options: options) { pool, daemon in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1_000 {
                    let bytes = [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)]
                    group.addTask {
                        if number % 3 == 0 {
                            try await pool.withConnection { connection in
                                try await connection.send(.data(bytes))
                                let echo = try await connection.receive()
                                #expect(echo == .data(bytes))
                            }
                        } else {
                            let reply = try await pool.request("echo", bytes)
                            #expect(reply == bytes)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(pool.waiterCount == 0)
            #expect(pool.connectionCount <= 4)
            #expect(daemon.connectionCount <= 4)
        }
        #expect(witness.most <= 4)
        #expect(witness.total >= 2)
    }

    @Test func `requests share one connection, and the one too many has another made`() async throws {
        let (witness, gate) = (Witness(), Gate())
        var options = ConnectionPoolOptions()
        options.maximumRequestsPerConnection = 3
        try await withPool(witness, gate, options: options) { pool, daemon in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { _ = try await pool.request("wait") } }
                try await until { witness.waiting == 3 }
                #expect(pool.connectionCount == 1)
                let reply = try await pool.request("echo", [1])
                #expect(reply == [1])
                #expect(pool.connectionCount == 2)
                gate.open()
                try await group.waitForAll()
            }
        }
        #expect(witness.total == 2)
    }

    @Test func `callers that wait are served in the order of coming`() async throws {
        var options = ConnectionPoolOptions()
        options.maximumConnections = 1
        try await withPool(Witness(), options: options) { pool, _ in
            let held = Gate()
            let order = Order()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pool.withConnection { _ in await held.pass() } }
                try await until { pool.connectionCount == 1 && pool.waiterCount == 0 }
                for number in 0..<20 {
                    group.addTask {
                        try await pool.withConnection { _ in order.append(number) }
                    }
                    try await until { pool.waiterCount == number + 1 }
                }
                held.open()
                try await group.waitForAll()
            }
            #expect(order.all == Array(0..<20))
        }
    }

    @Test func `waiters that time out or are canceled leave no slot taken`() async throws {
        let witness = Witness()
        var options = ConnectionPoolOptions()
        options.maximumConnections = 1
        options.acquireTimeout = .milliseconds(200)
        try await withPool(witness, options: options) { pool, _ in
            let held = Gate()
            let entered = Gate()
            let holder = Task {
                // On a busy machine, the first connection may take longer than the callers wait.
                var isLate = true
                while isLate {
                    do {
                        try await pool.withConnection { _ in
                            entered.open()
                            await held.pass()
                        }
                        isLate = false
                    } catch let error as ConnectionError where error.code == .timedOut {}
                }
            }
            await entered.pass()
            let late = (0..<50).map { _ in Task { try await pool.request("echo") } }
            let cancelled = (0..<50).map { _ in Task { try await pool.withConnection { _ in } } }
            for task in cancelled { task.cancel() }
            for task in cancelled {
                await #expect(throws: ConnectionError.cancelled) { try await task.value }
            }
            for task in late {
                await #expect(
                    throws: ConnectionError.timedOut(what: "waiting for a connection to \(pool.destination)")
                ) { _ = try await task.value }
            }
            #expect(pool.waiterCount == 0)
            held.open()
            try await holder.value
            // All slots are free again, on the only connection.
            for _ in 0..<10 { _ = try await pool.request("echo") }
            try await pool.withConnection { _ in }
            #expect(pool.connectionCount == 1)
            #expect(pool.idleConnectionCount == 1)
        }
        #expect(witness.total == 1)
    }

    @Test func `canceled at any moment, tasks leave no slot taken`() async throws {
        let witness = Witness()
        var options = ConnectionPoolOptions()
        options.maximumConnections = 2
        options.maximumRequestsPerConnection = 2
        try await withPool(witness, options: options) { pool, _ in
            var generator = SplitMix64(seed: 3)
            for _ in 0..<20 {
                let tasks = (0..<30).map { number in
                    Task {
                        if number % 2 == 0 {
                            _ = try await pool.request("echo")
                        } else {
                            try await pool.withConnection { connection in _ = try await connection.request("echo") }
                        }
                    }
                }
                for task in tasks.shuffled(using: &generator) {
                    if Bool.random(using: &generator) { task.cancel() }
                    if Int.random(in: 0..<4, using: &generator) == 0 { await Task.yield() }
                }
                for task in tasks { _ = try? await task.value }
            }
            #expect(pool.waiterCount == 0)
            _ = try await pool.request("echo")
            try await pool.withConnection { connection in _ = try await connection.request("echo") }
            #expect(pool.idleConnectionCount == pool.connectionCount)
            #expect(pool.connectionCount <= 2)
        }
    }

    @Test func `a connection that is cut fails what was in flight on it, and is replaced`() async throws {
        let (witness, gate) = (Witness(), Gate())
        try await withPool(witness, gate) { pool, daemon in
            let under = Task { try await pool.request("wait") }
            try await until { witness.waiting == 1 }
            for connection in daemon.openConnections { connection.channel.close(promise: nil) }
            await #expect(throws: ConnectionError.unanswered(.truncated)) { _ = try await under.value }
            let reply = try await pool.request("echo", [1])
            #expect(reply == [1])
            #expect(pool.connectionCount == 1)
        }
        #expect(witness.total == 2)
    }

    @Test func `while the daemon is gone all who ask learn it, and when it is back it is found`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/daemon.sock"
        let server = "[server]\naddress = \"unix:\(path)\""
        let pool = ConnectionPool(to: .unix(path: path, trust: .anonymous))
        let gone = ConnectionError.notListening(address: "unix:\(path)")
        await #expect(throws: gone) { _ = try await pool.request("echo") }
        try await ConfiguredService.withDaemon(server) { _, _ in
            let reply = try await pool.request("echo", [1])
            #expect(reply == [1])
        }
        try await until { pool.connectionCount == 0 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask { await #expect(throws: gone) { _ = try await pool.request("echo") } }
            }
        }
        #expect(pool.waiterCount == 0)
        try await ConfiguredService.withDaemon(server) { _, _ in
            let reply = try await pool.request("echo", [2])
            #expect(reply == [2])
        }
        await pool.close()
    }

    @Test func `unused connections are closed, those beyond the limit at once and the others in time`()
        async throws
    {
        var options = ConnectionPoolOptions()
        options.maximumIdleConnections = 2
        options.idleTimeout = .milliseconds(300)
        try await withPool(Witness(), options: options) { pool, daemon in
            let held = Gate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { try await pool.withConnection { _ in await held.pass() } } }
                try await until { pool.connectionCount == 5 && pool.waiterCount == 0 }
                held.open()
                try await group.waitForAll()
            }
            #expect(pool.connectionCount <= 2)
            try await until { pool.connectionCount == 0 && daemon.connectionCount == 0 }
            _ = try await pool.request("echo")
        }
    }

    @Test func `a connection is not given on after its user failed, or left messages behind`() async throws {
        struct Failure: Error {}
        let witness = Witness()
        var options = ConnectionPoolOptions()
        options.maximumConnections = 1
        try await withPool(witness, options: options) { pool, _ in
            await #expect(throws: Failure.self) { try await pool.withConnection { _ in throw Failure() } }
            try await pool.withConnection { connection in
                try await connection.send(.data([1]))
                try await until { !connection.inbox.isEmpty }
            }
            try await pool.withConnection { connection in
                try await connection.send(.data([2]))
                let echo = try await connection.receive()
                #expect(echo == .data([2]))
            }
            let id = try await pool.withConnection { connection in connection.id }
            let again = try await pool.withConnection { connection in connection.id }
            #expect(id == again)
        }
        #expect(witness.total == 3)
    }

    @Test func `closing ends waiting callers and attempts in progress, and nothing begins after it`() async throws {
        let (witness, gate) = (Witness(), Gate())
        var options = ConnectionPoolOptions()
        options.maximumConnections = 1
        options.maximumRequestsPerConnection = 1
        try await withPool(witness, gate, options: options) { pool, _ in
            let under = Task { try await pool.request("wait") }
            try await until { witness.waiting == 1 }
            let waiting = Task { try await pool.request("echo") }
            try await until { pool.waiterCount == 1 }
            await pool.close()
            await #expect(throws: ConnectionError.unanswered(.closed)) { _ = try await under.value }
            await #expect(throws: ConnectionError.closed) { _ = try await waiting.value }
            await #expect(throws: ConnectionError.closed) { _ = try await pool.request("echo") }
            await #expect(throws: ConnectionError.closed) { try await pool.withConnection { _ in } }
        }
    }

    @Test func `a pool that is released closes its connections`() async throws {
        let witness = Witness()
        try await ConfiguredService.withDaemon("", dispatcher(witness)) { daemon, address in
            let port = try ConfiguredService.port(address)
            var pool: ConnectionPool? = ConnectionPool(to: .tcp(host: "127.0.0.1", port: port, trust: .anonymous))
            _ = try await pool?.request("echo")
            pool = nil
            try await until { daemon.connectionCount == 0 }
        }
        #expect(witness.total == 1)
    }
}
