internal import Foundation
internal import Identity
internal import PacketIO
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// Whole tests over real sockets, client and server in one process.
@Suite("Measurements", .timeLimit(.minutes(5)), .serialized)
struct MeasurementTests {
    private static let everyEngine: [(ThroughputEngine, DataMode)] = [
        (.native, .tunneled), (.native, .directEphemeral), (.iperf3, .tunneled), (.iperf3, .directEphemeral),
    ]

    /// What two streams may have in flight: through a tunnel each has three connections, whose buffers grow to the
    /// kernel's limits at both ends, and two splices between them, with a few buffers each.
    private static let mostInBuffers = 2 * (3 * (largestBuffer("tcp_wmem") + largestBuffer("tcp_rmem")) + 2 * (2 << 20))

    /// How far the kernel lets a TCP buffer grow. Receive buffers were 6 MiB for years and are 32 MiB now.
    private static func largestBuffer(_ name: String) -> Int {
        let limits = try? String(contentsOfFile: "/proc/sys/net/ipv4/\(name)", encoding: .utf8)
        let largest = limits?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) }
        return largest ?? 32 << 20
    }

    @Test(
        arguments: everyEngine,
        ["up", "down", "both"]
    )
    func `throughput is measured by both ends, with each engine, in each mode and direction`(
        kind: (engine: ThroughputEngine, mode: DataMode),
        way: String
    ) async throws {
        try await TestReflector.withExaminer(kind.mode) { reflector, examiner in
            let params = SessionParameters(
                durationSec: 1,
                streams: 2,
                reverse: way == "down",
                bidirectional: way == "both",
                engine: kind.engine
            )
            let (result, _) = try await examiner.throughput(params)
            #expect(result.engine == kind.engine)
            #expect(result.mode == kind.mode)
            #expect(result.streams == 2)
            let expected: [StreamDirection] = way == "both" ? [.up, .down] : [way == "up" ? .up : .down]
            #expect(Set(result.directions.map(\.direction)) == Set(expected))
            for direction in result.directions {
                let sent = try #require(direction.bytesSent)
                let received = try #require(direction.bytesReceived)
                #expect(received > 1_000_000)
                // What is received was sent; what was sent has arrived, but for what a cut stream leaves in buffers.
                #expect(received <= sent)
                #expect(sent - received < max(sent / 2, Self.mostInBuffers))
                #expect(try #require(direction.bitsPerSecond) > 1e6)
            }
            try await expectBooks(reflector, examiner, atLeast: 1_000_000)
            guard kind.engine == .iperf3 else { return }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["exit_code"] as? Int == 0)
            let pid = try #require(completed["pid"] as? Int)
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        }
    }

    @Test(
        arguments: everyEngine,
        [TransportProtocol.tcp, .udp]
    )
    func `the bitrate is what each direction carries, all streams together, with every engine`(
        kind: (engine: ThroughputEngine, mode: DataMode),
        transport: TransportProtocol
    ) async throws {
        // UDP is iperf3's, and direct.
        guard transport == .tcp || kind == (.iperf3, .directEphemeral) else { return }
        try await TestReflector.withExaminer(kind.mode) { reflector, examiner in
            let params = SessionParameters(
                durationSec: 2,
                transport: transport,
                streams: 2,
                bidirectional: true,
                bitrateBps: 16_000_000,
                engine: kind.engine
            )
            let (result, _) = try await examiner.throughput(params)
            #expect(result.notes.contains { $0.contains("limited to") }, "\(result.notes)")
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            // 16 Mbit/s for 2 s are 4 MB; iperf3 over TCP writes 128 KiB at a time.
            for direction in ["bytes_sent", "bytes_received"] {
                let bytes = try #require(completed[direction] as? Int)
                #expect((2_000_000...6_000_000).contains(bytes), "\(direction)")
            }
        }
    }

    @Test func `UDP throughput runs in direct mode and is refused in the tunnel`() async throws {
        let params = SessionParameters(durationSec: 1, transport: .udp, streams: 1, bitrateBps: 5_000_000)
        try await TestReflector.withExaminer(.directEphemeral) { _, examiner in
            let (result, _) = try await examiner.throughput(params)
            #expect(result.transport == .udp)
            let up = try #require(result[.up])
            // 5 Mbit in datagrams of 32 KiB, loopback's segment.
            #expect(up.packets ?? 0 > 10)
            #expect(up.lossPercent != nil)
        }
        try await TestReflector.withExaminer(.tunneled) { _, examiner in
            guard
                case .denied(let deny)? = await failure(of: { try await examiner.throughput(params) })
                    as? LinkClientError
            else {
                Issue.record("UDP was not denied")
                return
            }
            #expect(deny.reason == .invalidParams)
        }
    }

    @Test(arguments: [DataMode.tunneled, .directEphemeral])
    func `latency is measured over UDP and inside TLS`(mode: DataMode) async throws {
        try await TestReflector.withExaminer(mode) { reflector, examiner in
            let result = try await examiner.latency(LatencyPlan(durationSec: 1, intervalMs: 5, datagramBytes: 100))
            #expect(result.transport == (mode == .tunneled ? .tunneled : .udp))
            // Inside TLS a machine that sleeps for a quarter of a second leaves probes out.
            #expect(mode == .tunneled ? (100...200).contains(result.sent) : result.sent == 200)
            #expect(result.received > result.sent * 3 / 4)
            #expect(try #require(result.rtt).min > 0)
            #expect(result.lostUp == result.sent - result.received || result.lostDown != nil)
            try await expectBooks(reflector, examiner, atLeast: result.received * 200)
        }
    }

    @Test(
        arguments: [DataMode.tunneled, .directEphemeral],
        [5, 120]
    )
    func `probes that the reflector's own packet rate drops are reported as that, not as loss of the link`(
        mode: DataMode,
        rate: Int
    ) async throws {
        try await TestReflector.withExaminer(mode, { $0.limits.udpEchoMaxPps = rate }) { _, examiner in
            // 200 a second.
            let result = try await examiner.latency(LatencyPlan(durationSec: 1, intervalMs: 5))
            let dropped = try #require(result.rateLimited)
            // How many depends on when a busy machine sent them; of the lower rate it is nearly all.
            #expect(dropped > 0 && dropped < result.sent)
            #expect(rate > 5 || result.isMostlyRateLimited)
            #expect(result.received + dropped + result.lost == result.sent)
            #expect(result.lost < 20, "\(result.lost) of \(result.sent), \(dropped) dropped")
            let text = TextReport().text(result).split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let words = "\(dropped) of \(result.sent) probes were dropped by the reflector's own limit"
            #expect(text.contains(words), "\(text)")
            #expect(text.contains("Inconclusive") == result.isMostlyRateLimited)
        }
    }

    @Test func `the counts of a probe beside a load are asked for in direct mode too`() async throws {
        try await TestReflector.withExaminer(.directEphemeral, { $0.limits.udpEchoMaxPps = 1 }) { _, examiner in
            let params = SessionParameters(durationSec: 1, streams: 1, engine: .native, latencyProbe: true)
            let latency = try #require(try await examiner.throughput(params).1)
            #expect(latency.isMostlyRateLimited)
            #expect(latency.lostUp != nil)
        }
    }

    @Test(
        arguments: [DataMode.tunneled, .directEphemeral]
    )
    func `latency under load is one session and one test in every account`(mode: DataMode) async throws {
        try await TestReflector.withExaminer(mode) { reflector, examiner in
            let params = SessionParameters(durationSec: 3, streams: 1, engine: .native, latencyProbe: true)
            let (load, latency) = try await examiner.throughput(params)
            #expect(load[.up]?.bytesReceived ?? 0 > 1_000_000)
            #expect(try #require(latency).received > 10)
            #expect(try await examiner.client.status().testsToday == 1)
            #expect(try await reflector.audit(.sessionCompleted, count: 1).count == 1)
        }
    }

    @Test func `the echo's packet rate is the test's, not each tunnel's, and the bytes of all tunnels are charged`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.limits.udpEchoMaxPps = 1
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let grant = try await client.request(SessionTests.echo)
            let token = try #require(AccessToken(hex: grant.token))
            let datagram = EchoDatagram(token: token, sequence: 0, clientSend: 1).bytes()
            let first = Mutex<ContinuousClock.Instant?>(nil)
            // All are open before the first of them sends.
            @Sendable func tunnels(_ count: Int) async throws {
                guard count > 0 else { return first.withLock { $0 = .now } }
                try await RawPeer.withTLS(reflector, RawPeer.Appearance.endpoint(key)) { tunnel in
                    try await tunnel.send(.tunnelOpen(TunnelOpen(testID: grant.testID, token: grant.token)))
                    #expect(await tunnel.next()?.payload == .ok)
                    try await tunnels(count - 1)
                    try await tunnel.send([0, UInt8(datagram.count)] + datagram)
                }
            }
            try await tunnels(4)
            let echo = try await eventually("all tunnels have ended") {
                let echo = try await client.result(of: grant.testID).echo
                return echo?.received == 4 ? echo : nil
            }
            // One at once, and one for each second that a slow machine took for the others.
            let began = try #require(first.withLock { $0 })
            #expect((1...1 + Int((ContinuousClock.now - began) / .seconds(1))).contains(echo.replied))
            #expect(echo.replied + echo.rateLimited == 4)
            try await client.close(grant.testID)
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["bytes_received"] as? Int == 4 * datagram.count)
            #expect(completed["bytes_sent"] as? Int == echo.replied * datagram.count)
            #expect(try await client.status().bytesToday == (4 + echo.replied) * datagram.count)
            await client.close()
        }
    }

    @Test(
        arguments: [(DataMode.tunneled, 1), (.tunneled, 4), (.directEphemeral, 1), (.directEphemeral, 4)],
        [true, false]
    )
    func `a test ends when the day's bytes are spent, exactly where they end`(
        _ kind: (mode: DataMode, streams: Int),
        isReverse: Bool
    ) async throws {
        let key = IdentityKey()
        // Enough for every tunnel to open before it is spent.
        let budget = kind.mode == .tunneled ? 100_000_000 * kind.streams : 20_000_000
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.quotas.maxBytesPerDayPerPeer = budget
            $0.mode = kind.mode
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            let params = SessionParameters(
                durationSec: 60,
                streams: kind.streams,
                reverse: isReverse,
                engine: .native
            )
            var measured: ThroughputResult?
            let error = await failure(of: { measured = try await examiner.throughput(params).0 })
            if isReverse { #expect(error == nil, "\(error.map { "\($0)" } ?? "")") }
            if isReverse { #expect(measured?.notes.contains { $0.contains("quota") } == true) }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "budget_spent")
            let moved = try #require(completed[isReverse ? "bytes_sent" : "bytes_received"] as? Int)
            // In each tunnel one read or write may be under way when the budget ends; direct streams take before they
            // move.
            #expect((budget...budget + (kind.mode == .tunneled ? 1_500_000 * kind.streams : 0)).contains(moved))
            let answer = try await examiner.client.ask(.sessionRequest(SessionTests.echo))
            guard case .sessionDeny(let deny) = answer else {
                Issue.record("granted beyond the day's budget")
                return
            }
            #expect(deny.reason == .quotaExceeded)
            #expect(deny.retryAfterSec ?? 0 > 0)
            await examiner.close()
        }
    }

    @Test func `the client waits out a cooldown by itself and says so`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.quotas.cooldownSec = 5
        } _: { reflector in
            let (notices, continuation) = AsyncStream.makeStream(of: String.self)
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { continuation.yield("\($0)") }
            for _ in 0..<2 { _ = try await examiner.latency(LatencyPlan(durationSec: 1, intervalMs: 100)) }
            continuation.finish()
            var said: [String] = []
            for await notice in notices { said.append(notice) }
            #expect(said.count == 1)
            let waits = (1...5).map { "waiting \($0) s: the cooldown between tests is 5 s" }
            #expect(waits.contains(try #require(said.first)))
            await examiner.close()
        }
    }

    /// The test is settled with what it moved, in the books as in the audit log.
    private func expectBooks(_ reflector: TestReflector, _ examiner: Examiner, atLeast bytes: Int) async throws {
        let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
        let sent = try #require(completed["bytes_sent"] as? Int)
        let received = try #require(completed["bytes_received"] as? Int)
        #expect(sent + received >= bytes)
        let status = try await examiner.client.status()
        #expect(status.testsToday == 1)
        #expect(status.bytesToday >= sent + received)
        #expect(status.activeTest == nil)
    }
}
