internal import Identity
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("A test that the far end cuts", .timeLimit(.minutes(3)))
struct CutTests {
    private static func script(_ grant: SessionGrant) -> ScriptedReflector.Script {
        { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .sessionRequest: .sessionGrant(grant)
            case .getResult:
                .result(
                    SessionResult(
                        testID: grant.testID,
                        testType: .throughput,
                        state: .running,
                        durationMs: 1_000,
                        bytesUp: 100_000,
                        bytesDown: 100_000
                    )
                )
            default: .ok
            }
        }
    }

    private func withExaminer(
        _ grant: SessionGrant = ScriptedReflector.grant("cut"),
        _ tunnels: @escaping ScriptedReflector.Tunnels,
        _ body: (Examiner) async throws -> Void
    ) async throws {
        try await ScriptedReflector.with(Self.script(grant), tunnels: tunnels) { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: IdentityKey()) { _ in }
            try await body(examiner)
            await examiner.close()
        }
    }

    private func words(_ error: (any Error)?) -> String { error.map { "\($0)" } ?? "no failure" }

    private func expectPart(_ error: (any Error)?, _ words: String, seconds: Int) throws {
        let part = try #require(error as? PartlyMeasured, "\(String(describing: error))")
        #expect(part.description.hasPrefix(words), "\(part)")
        #expect(part.description.contains(" of \(seconds) s"), "\(part)")
        guard case .throughput(let result) = part.result else { throw TestFailure("\(part)") }
        #expect(result.directions.contains { ($0.bytes ?? 0) > 0 })
        #expect(result.notes.contains("the test was not finished: \(part.cause)"))
    }

    @Test(arguments: [false, true])
    func `a stream in a tunnel that ends long before its time makes part of a test`(isReverse: Bool) async throws {
        try await withExaminer { _ in
            .serves(cutAfterMs: 700)
        } _: { examiner in
            let params = SessionParameters(durationSec: 8, reverse: isReverse)
            let error = await failure { try await examiner.throughput(params) }
            try expectPart(error, "stream 1 of 1 \(isReverse ? "down" : "up") was cut after", seconds: 8)
        }
    }

    @Test func `one stream of four that ends long before the others is reported`() async throws {
        var grant = ScriptedReflector.grant("four")
        grant.streams = 4
        try await withExaminer(grant) { number in
            .serves(cutAfterMs: number == 3 ? 500 : nil)
        } _: { examiner in
            let error = await failure {
                try await examiner.throughput(SessionParameters(durationSec: 3, streams: 4, reverse: true))
            }
            let part = try #require(error as? PartlyMeasured, "\(String(describing: error))")
            #expect(part.description.contains(" of 4 down was cut after"), "\(part)")
        }
    }

    @Test(arguments: [false, true])
    func `streams that run to their end are a whole test`(isReverse: Bool) async throws {
        try await withExaminer { _ in
            .serves(cutAfterMs: nil)
        } _: { examiner in
            let (result, _) = try await examiner.throughput(SessionParameters(durationSec: 1, reverse: isReverse))
            #expect((result.directions[0].bytes ?? 0) > 0)
        }
    }

    @Test func `a direct stream that ends long before its time makes part of a test`() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.scheduleTask(in: .milliseconds(300)) {
                    channel.writeAndFlush(ByteBuffer(repeating: 1, count: 16_384), promise: nil)
                }
                channel.eventLoop.scheduleTask(in: .milliseconds(700)) { channel.close(promise: nil) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        var grant = ScriptedReflector.grant("direct")
        grant.mode = .directEphemeral
        grant.port = listener.localAddress?.port ?? 0
        try await withExaminer(grant) { _ in
            .mute
        } _: { examiner in
            for isReverse in [false, true] {
                let params = SessionParameters(durationSec: 8, reverse: isReverse)
                let error = await failure { try await examiner.throughput(params) }
                try expectPart(error, "stream 1 of 1 \(isReverse ? "down" : "up") was cut after", seconds: 8)
            }
        }
        try await listener.close()
    }

    @Test func `a download of which nothing arrives is a failure, not a rate of zero`() async throws {
        try await withExaminer { _ in
            .mute
        } _: { examiner in
            let error = await failure {
                try await examiner.throughput(SessionParameters(durationSec: 1, reverse: true))
            }
            #expect(words(error).hasPrefix("nothing arrived down in 1 s"), "\(String(describing: error))")
        }
    }

    @Test(
        arguments: [0, 300]
    )
    func `a latency test whose tunnel ends before its time is a failure that says when`(cutAfterMs: Int64) async throws
    {
        try await withExaminer { _ in
            .serves(cutAfterMs: cutAfterMs)
        } _: { examiner in
            let error = await failure { try await examiner.latency(LatencyPlan(durationSec: 5, intervalMs: 50)) }
            let said = words(error)
            #expect(said.hasPrefix("the tunnel of the probes was cut after") && said.contains("of 5 s"), "\(said)")
            guard cutAfterMs > 0 else {
                #expect(!(error is PartlyMeasured))
                return
            }
            // What came until then is shown, and what was under way is not lost.
            let part = try #require(error as? PartlyMeasured)
            guard case .latency(let result) = part.result else { throw TestFailure("\(part)") }
            #expect(result.received > 0 && result.received <= 7 && result.lost == 0, "\(result)")
        }
    }

    @Test func `what was measured is shown too when this machine stood still before the test was cut`() throws {
        let pauses = SuspensionDetector()
        pauses.note(16, insteadOf: 1)
        let cut = CutStream(name: "stream 1 of 1 up", afterSec: 3, askedSec: 8)
        let part = PartlyMeasured(
            result: .throughput(
                ThroughputResult(engine: .native, transport: .tcp, mode: .tunneled, streams: 1, directions: [])
            ),
            cause: cut
        )
        let told = try #require(pauses.explained(part) as? PartlyMeasured)
        #expect(told.description.hasPrefix("this machine or this program paused for"), "\(told)")
        #expect(told.root is CutStream)
    }

    @Test func `a tunnel that answers no probe is a failure, not a loss`() async throws {
        try await withExaminer { _ in
            .mute
        } _: { examiner in
            let error = await failure { try await examiner.latency(LatencyPlan(durationSec: 1, intervalMs: 100)) }
            #expect(words(error).contains("does not answer"), "\(String(describing: error))")
        }
    }

    @Test func `what is no echo frame ends a latency test as a failure that says so`() async throws {
        try await withExaminer { _ in
            .garbage
        } _: { examiner in
            let error = await failure { try await examiner.latency(LatencyPlan(durationSec: 2, intervalMs: 100)) }
            #expect(words(error).contains("no echo of a probe"), "\(String(describing: error))")
        }
    }
}
