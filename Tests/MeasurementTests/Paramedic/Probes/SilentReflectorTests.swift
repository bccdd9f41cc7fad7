internal import Dispatch
internal import Glibc
internal import Identity
internal import NIOCore
internal import NIOPosix
internal import PacketIO
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// What ends here ends well before the 30 s that an answer may take.
@Suite("A reflector that falls silent", .timeLimit(.minutes(3)))
struct SilentReflectorTests {
    /// How the task ended; fails when it does not end in the time that ``eventually(_:_:)`` has.
    private func outcome<Success>(_ task: Task<Success, any Error>) async throws -> Result<Success, any Error> {
        let outcome = Outcome<Success>()
        Task {
            let result = await task.result
            outcome.value.withLock { $0 = result }
        }
        return try await eventually("the task ends") { outcome.value.withLock { $0 } }
    }

    @Test func `a test is canceled while the request for it is unanswered`() async throws {
        try await ScriptedReflector.with { message in
            if case .hello = message { .serverHello(ScriptedReflector.hello) } else { nil }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let test = Task { try await examiner.latency(LatencyPlan(durationSec: 1)) }
            try await eventually("the test is asked for") { reflector.asked.count > 1 ? true : nil }
            test.cancel()
            let outcome = try await outcome(test)
            #expect(throws: CancellationError.self) { try outcome.get() }
            await examiner.close()
        }
    }

    @Test func `a test that is granted after it was canceled is closed`() async throws {
        let hold = DispatchSemaphore(value: 0)
        let asked = Mutex(false)
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: return .serverHello(ScriptedReflector.hello)
            case .sessionRequest:
                asked.withLock { $0 = true }
                hold.wait()
                return .sessionGrant(ScriptedReflector.grant("late"))
            case .sessionClose: return .ok
            default: return nil
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let test = Task { try await examiner.latency(LatencyPlan(durationSec: 1)) }
            try await eventually("the test is asked for") { asked.withLock { $0 } ? true : nil }
            test.cancel()
            hold.signal()
            let outcome = try await outcome(test)
            #expect(throws: CancellationError.self) { try outcome.get() }
            try await reflector.closes("late")
            await examiner.close()
        }
    }

    @Test func `a canceled test is still closed, without a long wait for the answer`() async throws {
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(ScriptedReflector.grant("i"))
            default: nil
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let test = Task { try await examiner.throughput(SessionParameters(durationSec: 1)) }
            try await eventually("the tunnel is asked for") { reflector.asked.count > 2 ? true : nil }
            test.cancel()
            let outcome = try await outcome(test)
            #expect(throws: CancellationError.self) { try outcome.get() }
            try await reflector.closes("i")
            await examiner.close()
        }
    }

    @Test(arguments: [true, false])
    func `a result that does not come fails the test long before the time of other answers`(isCloseAnswered: Bool)
        async throws
    {
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(ScriptedReflector.grant("i"))
            case .tunnelOpen: .ok
            case .sessionClose: isCloseAnswered ? .ok : nil
            default: nil
            }
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            let plan = LatencyPlan(durationSec: 1, intervalMs: 500)
            let error = await failure { try await examiner.latency(plan) }?.root as? LinkClientError
            guard case .timedOut(_, let seconds)? = error else {
                Issue.record("another failure: \(String(describing: error))")
                return
            }
            // The time of the other answers is 30 s.
            #expect(seconds <= 10)
            await examiner.close()
        }
    }

    @Test func `a connect to a direct port that answers nothing is canceled`() async throws {
        // Its queue is full: the next connect gets no answer.
        let full = try FullListener()
        var grant = ScriptedReflector.grant("i")
        grant.mode = .directEphemeral
        grant.port = full.port
        let params = SessionParameters(durationSec: 1, streams: 1)
        let client = DirectNativeClient(grant: grant, params: params, meters: ClientMeters(seconds: 1))
        let test = Task { try await client.run(host: "127.0.0.1") }
        try await Task.sleep(for: .milliseconds(200))
        test.cancel()
        let outcome = try await outcome(test)
        #expect(throws: CancellationError.self) { try outcome.get() }
        withExtendedLifetime(full) {}
    }

    @Test func `a connection is canceled while its handshake is unanswered`() async throws {
        let accepted = Counter()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                accepted.value.withLock { $0 += 1 }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = ReflectorAddress(
            host: "127.0.0.1",
            port: listener.localAddress?.port ?? 0,
            endpointID: IdentityKey().endpointID
        )
        let context = try LinkClient.context(for: IdentityKey())
        let connecting = Task { try await LinkClient.connect(to: address, context: context) }
        try await eventually("the connection is there") { accepted.value.withLock { $0 } == 1 ? true : nil }
        connecting.cancel()
        let outcome = try await outcome(connecting)
        #expect(throws: CancellationError.self) { _ = try outcome.get() }
        try await listener.close()
    }
}

private final class Outcome<Success: Sendable>: Sendable {
    let value = Mutex<Result<Success, any Error>?>(nil)
}

private final class Counter: Sendable {
    let value = Mutex(0)
}

/// A port of loopback whose queue of connections is full.
private final class FullListener {
    let port: Int
    private let descriptors: [Int32]

    init() throws {
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let address = try listener.localAddress()
        // Again, with the shortest queue.
        _ = Glibc.listen(listener.raw, 0)
        var waiting: [Int32] = []
        while let one = try? Socket.connectTCP(address, timeout: 100_000_000) { waiting.append(one.release()) }
        self.port = Int(address.port)
        self.descriptors = [listener.release()] + waiting
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
