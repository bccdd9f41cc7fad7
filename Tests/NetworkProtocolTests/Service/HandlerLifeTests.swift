internal import NIOCore
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// How long handlers live, and how many there can be.
@Suite("Handlers", .timeLimit(.minutes(5)))
struct HandlerLifeTests {
    /// Running handlers, and the most at once.
    private final class Count: Sendable {
        private let state = Mutex((now: 0, most: 0, began: 0, returned: 0))

        var now: Int { state.withLock { $0.now } }
        var began: Int { state.withLock { $0.began } }
        var most: Int { state.withLock { $0.most } }
        var returned: Int { state.withLock { $0.returned } }

        func during<Value>(_ body: () async throws -> Value) async rethrows -> Value {
            state.withLock {
                $0.now += 1
                $0.began += 1
                $0.most = max($0.most, $0.now)
            }
            defer {
                state.withLock {
                    $0.now -= 1
                    $0.returned += 1
                }
            }
            return try await body()
        }
    }

    /// Waits until the condition holds; the suite's time limit ends a futile wait.
    private func wait(until isSo: () async -> Bool) async throws {
        while await !isSo() { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// The same, for 20 seconds at most.
    private func comes(_ isSo: () async -> Bool) async throws -> Bool {
        let limit = ContinuousClock.now + .seconds(20)
        while await !isSo() {
            guard .now < limit else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    /// Sends this many requests and, once one runs, resets the connection.
    private func askAndReset(
        _ daemon: TestDaemon,
        _ transport: TestTransport,
        _ command: String,
        times: Int,
        _ payload: [UInt8] = [1],
        until isSo: () async -> Bool
    ) async throws {
        let client = try await daemon.connect(transport)
        let connection = try await client.connection()
        for id in 1...UInt64(times) {
            try await connection.outbox.send(.request(id: id, command: command, payload: payload))
        }
        try await wait(until: isSo)
        try await connection.channel.reset()
    }

    @Test(arguments: TestTransport.allCases)
    func `handlers of connections that were reset are canceled with them`(_ transport: TestTransport) async throws {
        let count = Count()
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("stay") { _, _ in
            try await count.during { try await Task.sleep(for: .seconds(3_600)) }
            return []
        }
        dispatcher.onData { _, _ in
            try await count.during { try await Task.sleep(for: .seconds(3_600)) }
            return nil
        }
        try await TestDaemon.with(transport, dispatcher, { $0.maximumConnections = 10 }) { daemon in
            for _ in 0..<20 {
                let before = count.began
                try await askAndReset(daemon, transport, "stay", times: 8) { count.began > before }
            }
            // An end without a reset is detected too, and messages without a number are treated like requests.
            let last = try await daemon.connect(transport)
            let before = count.began
            try await last.send(.data([1]))
            try await wait { count.began > before }
            try await last.connection().channel.cut()
            let areGone = try await comes { count.now == 0 }
            #expect(areGone, "\(count.now) run on")
            let isEmpty = try await comes { daemon.daemon.connectionCount == 0 }
            #expect(isEmpty)
        }
    }

    /// Returns when the test releases it, and ignores its cancellation.
    private final class Stubborn: Sendable {
        let count = Count()
        private let released: AsyncStream<Never>
        private let release: AsyncStream<Never>.Continuation

        init() { (released, release) = AsyncStream.makeStream() }

        func stay() async {
            await count.during {
                // Another task waits: this task's cancellation would end the wait.
                await Task { for await _ in released {} }.value
            }
        }

        func end() { release.finish() }
    }

    @Test func `handlers that ignore cancellation never exceed their limit, however often a peer returns`()
        async throws
    {
        let stubborn = Stubborn()
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("stay") { _, _ in
            await stubborn.stay()
            return []
        }
        defer { stubborn.end() }
        try await TestDaemon.with(
            .plaintextTCP,
            dispatcher,
            {
                $0.maximumConnections = 10
                $0.connection.channelCapacity = 4
            }
        ) { daemon in
            for _ in 0..<40 {
                let before = stubborn.count.began
                guard let client = try? await daemon.connect(.plaintextTCP),
                    let connection = try? await client.connection()
                else { continue }
                for id in UInt64(1)...4 {
                    try? await connection.outbox.send(.request(id: id, command: "stay", payload: [1]))
                }
                // Connections without a slot are closed at once.
                try await wait { stubborn.count.began >= before + 4 || !connection.channel.isActive }
                try? await connection.channel.reset()
            }
            #expect(stubborn.count.most <= 40, "\(stubborn.count.most) at once")
            stubborn.end()
            let isEmpty = try await comes { daemon.daemon.connectionCount == 0 }
            #expect(isEmpty)
            let honest = try await daemon.connect(.plaintextTCP)
            let reply = try await honest.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await honest.close()
        }
    }

    /// Handlers that end a moment after their cancellation.
    private static func staying(_ count: Count) -> Dispatcher {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("stay") { _, _ in
            await count.during {
                try? await Task.sleep(for: .seconds(3_600))
                // Cleaning up takes a moment.
                await Task { try? await Task.sleep(for: .milliseconds(300)) }.value
            }
            return []
        }
        return dispatcher
    }

    @Test func `handlers are canceled when a shutdown takes too long, and have returned before the daemon has`()
        async throws
    {
        let count = Count()
        let dispatcher = Self.staying(count)
        await #expect(throws: DaemonError.shutdownTimedOut(connections: 1)) {
            try await TestDaemon.with(.sealedTCP, dispatcher, { $0.shutdownTimeout = .milliseconds(100) }) { daemon in
                let client = try await daemon.connect(.sealedTCP)
                let requests = (0..<3).map { _ in Task { try await client.request("stay") } }
                try await wait { count.now == 3 }
                daemon.daemon.shutDown()
                do { try await daemon.running.value } catch {
                    #expect(count.returned == 3)
                    for request in requests { _ = await request.result }
                    throw error
                }
            }
        }
    }

    @Test func `handlers of a daemon whose task is canceled have returned before it has`() async throws {
        let count = Count()
        let dispatcher = Self.staying(count)
        try await TestDaemon.with(.sealedTCP, dispatcher) { daemon in
            let client = try await daemon.connect(.sealedTCP)
            let requests = (0..<3).map { _ in Task { try await client.request("stay") } }
            try await wait { count.now == 3 }
            daemon.running.cancel()
            try await daemon.running.value
            #expect(count.returned == 3)
            for request in requests { _ = await request.result }
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `handlers of messages and of the opening have returned before a program learns of a connection's end`(
        _ transport: TestTransport
    ) async throws {
        let running = Count()
        let (ends, tell) = AsyncStream.makeStream(of: Int.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onOpen { _ in
            await running.during {
                try? await Task.sleep(for: .seconds(3_600))
                await Task { try? await Task.sleep(for: .milliseconds(50)) }.value
            }
        }
        dispatcher.onCommand("stay") { _, _ in
            await running.during {
                try? await Task.sleep(for: .seconds(3_600))
                await Task { try? await Task.sleep(for: .milliseconds(50)) }.value
            }
            return []
        }
        dispatcher.onClose { _, _ in tell.yield(running.now) }
        let sides = try TestEnds()
        defer { sides.remove() }
        try await TestDaemon.with([sides.listener(transport)], dispatcher, DaemonOptions(), sides) { daemon in
            for _ in 0..<10 {
                try await askAndReset(daemon, transport, "stay", times: 4) { running.now == 5 }
                for await left in ends {
                    #expect(left == 0)
                    break
                }
            }
        }
    }

    @Test
    func
        `handlers of the opening are run once for each connection, however soon it ends, and that of the end after it`()
        async throws
    {
        let (events, tell) = AsyncStream.makeStream(of: String.self)
        var dispatcher = Dispatcher.forTests
        dispatcher.onOpen { tell.yield("open \($0.id)") }
        dispatcher.onClose { connection, _ in tell.yield("closed \(connection.id)") }
        let sides = try TestEnds()
        defer { sides.remove() }
        try await TestDaemon.with([sides.listener(.plaintextTCP)], dispatcher, DaemonOptions(), sides) { daemon in
            // Each ends with its first bytes.
            for _ in 0..<100 {
                let peer = try await RawPeer.connect(daemon)
                try await peer.channel.reset()
            }
            var left = 100
            var open: Set<Substring> = []
            for await event in events {
                let words = event.split(separator: " ")
                if words[0] == "open" {
                    #expect(open.insert(words[1]).inserted)
                } else {
                    #expect(open.remove(words[1]) != nil, "\(event) before its opening")
                    left -= 1
                }
                if left == 0 { break }
            }
            #expect(open.isEmpty)
        }
    }

    struct Budget: Sendable {
        let name: String
        let payload: Int
        /// Whether another peer than the one that uses it up is served in the meantime.
        let isOfPeer: Bool
        let set: @Sendable (inout DaemonOptions) -> Void
    }

    static let budgets = [
        Budget(name: "messages of a peer", payload: 1, isOfPeer: true) { $0.maximumMessagesInWorkOfPeer = 8 },
        Budget(name: "bytes of a peer", payload: 64 << 10, isOfPeer: true) {
            $0.maximumBytesInWorkOfPeer = 8 * 64 << 10
        },
        Budget(name: "messages of all", payload: 1, isOfPeer: false) { $0.maximumMessagesInWork = 8 },
        Budget(name: "bytes of all", payload: 64 << 10, isOfPeer: false) { $0.maximumBytesInWork = 8 * 64 << 10 },
    ]

    @Test(arguments: budgets)
    func
        `handlers of all a peer's connections together are within its budget, and those of all peers within the daemon's`(
            _ budget: Budget
        ) async throws
    {
        let stubborn = Stubborn()
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("stay") { _, _ in
            await stubborn.stay()
            return []
        }
        defer { stubborn.end() }
        let sides = try TestEnds()
        defer { sides.remove() }
        var options = DaemonOptions()
        budget.set(&options)
        let listeners = [sides.listener(.plaintextTCP), sides.listener(.unix)]
        try await TestDaemon.with(listeners, dispatcher, options, sides) { daemon in
            var clients: [Client] = []
            for _ in 0..<4 { clients.append(try await daemon.connect(.plaintextTCP)) }
            let payload = [UInt8](repeating: 1, count: budget.payload)
            let requests = clients.flatMap { client in
                (0..<10).map { _ in Task { try await client.request("stay", payload, timeout: .seconds(120)) } }
            }
            try await wait { stubborn.count.now >= 8 }
            // Another peer: a user, identified by the Unix socket.
            let other = try await daemon.connect(.unix)
            let answer = Task { try await other.request("reverse", [1, 2], timeout: .seconds(120)) }
            if budget.isOfPeer { #expect(try await answer.value == [2, 1]) }
            // Unread messages stay with their sender, however long: a moment is enough to show any that would arrive.
            try await Task.sleep(for: .milliseconds(200))
            // The last accepted message exceeds the limit, on each event loop.
            let most = 8 + System.coreCount
            #expect(stubborn.count.most <= most, "\(budget.name): \(stubborn.count.most) at once")
            stubborn.end()
            for request in requests { #expect(try await request.value.isEmpty) }
            #expect(try await answer.value == [2, 1])
            for client in clients + [other] { await client.close() }
        }
    }
}
