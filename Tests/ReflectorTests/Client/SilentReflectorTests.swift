import Identity
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Reflector

/// What ends here ends well before the 30 s that an answer may take.
@Suite("A reflector that falls silent", .timeLimit(.minutes(1)))
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

    @Test("a test is cancelled while the request for it is unanswered")
    func request() async throws {
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

    @Test("a cancelled test is still closed, and nobody waits long for the answer to that")
    func farewell() async throws {
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
            #expect(reflector.asked.last == .sessionClose(SessionClose(testID: "i")))
            await examiner.close()
        }
    }

    @Test("a connection is cancelled while its handshake is unanswered")
    func handshake() async throws {
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
