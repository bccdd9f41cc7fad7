internal import NIOCore
internal import NIOEmbedded
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// The prober in virtual time, over a tunnel that is closed for a while.
@Suite("Probes through a tunnel", .timeLimit(.minutes(5)))
struct TunnelProberTests {
    /// The samples of a second of probes, one each 5 ms, of which the tunnel takes none between these milliseconds.
    private func samples(closedBetween closed: Range<Int64>) async throws -> EchoSamples {
        let prober = TunnelProber(
            plan: LatencyPlan(durationSec: 1, intervalMs: 5),
            token: .random(),
            onProgress: { _ in }
        )
        try run(prober, closed)
        return try await prober.samples()
    }

    /// On one thread, as the embedded loop wants it, until the prober has given up its waiting for replies.
    private func run(_ prober: TunnelProber, _ closed: Range<Int64>) throws {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try prober.install(on: channel)
        for millisecond in 0..<Int64(9_000) {
            channel.isWritable = !closed.contains(millisecond)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        }
        #expect(!channel.isActive)
    }

    @Test func `the last probes are sent too when they leave a little after the test's time`() async throws {
        let samples = try await samples(closedBetween: 900..<1_100)
        #expect(samples.sent == 200 && samples.skipped == 0)
    }

    @Test func `probes that could not leave for longer are left out, and the others keep their pace`() async throws {
        let samples = try await samples(closedBetween: 200..<700)
        #expect(samples.sent + samples.skipped == 200)
        #expect((90...110).contains(samples.skipped), "\(samples.skipped)")
    }

    @Test func `what a live tunnel still carries when the test ends is not lost, and is reported`() async throws {
        let prober = TunnelProber(
            plan: LatencyPlan(durationSec: 1, intervalMs: 5),
            token: .random(),
            onProgress: { _ in }
        )
        try answer(prober, first: 120)
        let samples = try await prober.samples()
        #expect(samples.sent == 120 && samples.received == 120 && samples.inFlight == 80)
    }

    /// Answers so many probes, and no more; on one thread.
    private func answer(_ prober: TunnelProber, first count: Int) throws {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try prober.install(on: channel)
        var answered = 0
        for _ in 0..<9_000 where channel.isActive {
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
            while let frame = try channel.readOutbound(as: ByteBuffer.self) {
                guard answered < count else { continue }
                answered += 1
                try channel.writeInbound(frame)
            }
        }
        #expect(!channel.isActive)
    }

    @Test func `a tunnel that takes nothing any more ends the test with what was sent`() async throws {
        let samples = try await samples(closedBetween: 500..<9_000)
        #expect((95...105).contains(samples.sent))
    }
}
