internal import NIOCore
internal import NIOPosix
internal import NetworkProtocolTestSupport
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Waiting for room, for a reply or for a message: how long it lasts, and what it costs.
@Suite("Waiting callers", .timeLimit(.minutes(1)))
struct WaitingTests {
    @Test func `a caller waits for room no longer than it may, however short that is`() async throws {
        var options = ConnectionOptions()
        options.channelCapacity = 1
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outbox = Outbox(options: options, metrics: ConnectionMetrics(role: "client"), eventLoop: loop) {}
        try outbox.sendNow(.ping)
        // The time is up before, while and after the sender starts to wait.
        for round in 0..<3_000 {
            let error = await #expect(throws: ConnectionError.self) {
                try await outbox.send(.echo(""), timeout: .microseconds(round % 60))
            }
            try #require(error == .timedOut(what: "waiting for room to send Echo"))
        }
    }

    @Test func `a caller that waits for room goes on when half of what was in flight is taken`() async throws {
        var options = ConnectionOptions()
        options.channelCapacity = 8
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outbox = Outbox(options: options, metrics: ConnectionMetrics(role: "client"), eventLoop: loop) {}
        for _ in 0..<8 { try outbox.sendNow(.ping) }
        var queue: [OutboundPayload] = []
        let taken = outbox.take(into: &queue)
        #expect(taken.messages == 8)
        let isDone = Flag()
        let waiting = Task {
            try await outbox.send(.echo(""))
            isDone.set()
        }
        while !outbox.isAwaited { try await Task.sleep(for: .milliseconds(1)) }
        // Each wakeup costs a switch of threads, so one is not made for each message.
        for _ in 0..<3 {
            let resumed = outbox.written(messages: 1, bytes: taken.bytes / 8)
            #expect(resumed.isEmpty)
        }
        #expect(outbox.isAwaited && !isDone.isSet)
        for sender in outbox.written(messages: 1, bytes: taken.bytes / 8) { sender.resume(returning: ()) }
        try await waiting.value
        #expect(outbox.bytesInFlight == taken.bytes / 2)
        // What TLS still had when the system had taken everything does not count twice.
        outbox.allWritten()
        #expect(outbox.written(messages: 4, bytes: taken.bytes / 2).isEmpty)
        #expect(outbox.bytesInFlight == 0)
        #expect(outbox.bytesWritten == taken.bytes)
    }

    @Test func `callers that wait for room to ask put in no more than there is room for`() async throws {
        let server = try await PlainServer.start(isReading: false)
        let client = try await Client.connect(
            to: .insecurePlaintextTCP(host: "127.0.0.1", port: server.port),
            logger: TestDaemon.silent
        )
        let peer = try await server.accept()
        let connection = try await client.connection()
        let payload = [UInt8](repeating: 1, count: 1 << 18)
        let requests = (0..<64).map { _ in Task { try await connection.request("never", payload) } }
        var most = 0
        // Half of them, a few at a time.
        while connection.outbox.bytesWritten < 8 << 20 {
            peer.channel.read()
            try await Task.sleep(for: .milliseconds(1))
            most = max(most, connection.outbox.bytesWaiting)
        }
        #expect(most < Outbox.byteCapacity + 3 * payload.count)
        for request in requests { request.cancel() }
        await peer.close()
        await server.close()
        await client.close()
    }

    @Test func `waiting for replies needs few alarms, however many were late while one is still waited for`() async {
        let inFlight = InFlightRequests()
        let long = InFlightRequests.Reply()
        // Its alarm fires after all the others.
        _ = inFlight.enter(1, command: "ask", deadline: .uptimeNanoseconds(1 << 40), long)
        var now: UInt64 = 0
        var alarms: [NIODeadline] = []
        for id in 2..<1_000 {
            now += 10
            let late = NIODeadline.uptimeNanoseconds(now)
            let reply = InFlightRequests.Reply()
            if case .entered(let sweep?, _) = inFlight.enter(UInt64(id), command: "ask", deadline: late, reply) {
                alarms.append(sweep)
            }
            while let index = alarms.firstIndex(where: { $0 <= late }) {
                alarms.remove(at: index)
                if let next = inFlight.sweep(now: late) { alarms.append(next) }
            }
            await #expect(throws: ConnectionError.self) { try await reply.value {} }
        }
        #expect(alarms.count < 3)
        inFlight.end(.closed)
        await #expect(throws: ConnectionError.unanswered(.closed)) { try await long.value {} }
    }

    @Test func `a caller that waits for room to ask is late, not closed, if the time ends just then`() throws {
        let inFlight = InFlightRequests()
        let deadline = NIODeadline.uptimeNanoseconds(1)
        _ = inFlight.enter(1, command: "ask", deadline: deadline, InFlightRequests.Reply())
        // Between the entry and the answer that there is no room.
        _ = inFlight.sweep(now: deadline)
        try inFlight.withdraw(1)
        _ = inFlight.enter(2, command: "ask", deadline: deadline, InFlightRequests.Reply())
        inFlight.end(.timedOut(what: "all"))
        #expect(throws: ConnectionError.timedOut(what: "all")) { try inFlight.withdraw(2) }
    }

    @Test func `waiting for messages keeps no room for those that were taken`() async throws {
        let inbox = Inbox(capacity: 32) {}
        inbox.put(.echo("first"), bytes: 5)
        for _ in 0..<10_000 {
            inbox.put(.echo("next"), bytes: 4)
            _ = try await inbox.take()
        }
        #expect(inbox.room < 100)
    }

    @Test func `waiting for a message makes room, and says so, when the message is delivered`() async throws {
        let made = Mutex(0)
        let inbox = Inbox(capacity: 1) { made.withLock { $0 += 1 } }
        let waiting = Task { try await inbox.take() }
        while inbox.waiterCount < 1 { await Task.yield() }
        inbox.put(.echo("1"), bytes: 1)
        #expect(!inbox.hasRoom)
        inbox.deliver()
        #expect(try await waiting.value == .echo("1"))
        #expect(made.withLock { $0 } == 1)
    }

    @Test func `waiting for messages ends once for all that arrived together, in their order`() async throws {
        let inbox = Inbox(capacity: 32) {}
        let first = Task { try await inbox.take() }
        while inbox.waiterCount < 1 { await Task.yield() }
        let second = Task { try await inbox.take() }
        while inbox.waiterCount < 2 { await Task.yield() }
        for number in 1...3 { inbox.put(.echo("\(number)"), bytes: 1) }
        #expect(inbox.waiterCount == 2)
        inbox.deliver()
        #expect(try await first.value == .echo("1"))
        #expect(try await second.value == .echo("2"))
        #expect(try await inbox.take() == .echo("3"))
        let last = Task { try await inbox.take() }
        while inbox.waiterCount < 1 { await Task.yield() }
        inbox.put(.echo("4"), bytes: 1)
        inbox.end(of: .closed)
        #expect(try await last.value == .echo("4"))
    }

    @Test func `waiting for a message goes on with the next connection as soon as this one begins to end`() async throws
    {
        let server = try await PlainServer.start(isReading: false)
        var options = ClientOptions()
        options.reconnect = .init(attempts: 10, delay: .milliseconds(1), maximumDelay: .milliseconds(1))
        options.connection.stallTimeout = .seconds(3_600)
        let client = try await Client.connect(
            to: .insecurePlaintextTCP(host: "127.0.0.1", port: server.port),
            options: options,
            logger: TestDaemon.silent
        )
        let first = try await server.accept()
        // More than the system takes, so the connection cannot be closed yet.
        try await client.send(.data([UInt8](repeating: 0, count: 16_000_000)))
        let received = Task { try await client.receive() }
        try await first.send(try packet(.disconnect))
        let second = try await server.accept()
        try await second.send(try packet(.echo("hello")))
        let message = try await received.value
        #expect(message == .echo("hello"))
        await second.close()
        await first.close()
        await server.close()
        await client.close()
    }
}
