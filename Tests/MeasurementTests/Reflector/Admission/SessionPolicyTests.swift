internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Session policy")
struct SessionPolicyTests {
    private func policy(_ mode: DataMode = .tunneled, _ change: (inout Quotas) -> Void = { _ in }) -> SessionPolicy {
        var quotas = Quotas()
        change(&quotas)
        return SessionPolicy(quotas: quotas, mode: mode)
    }

    @Test func `the default quotas are those of the reference`() {
        let quotas = Quotas()
        #expect(quotas.maxTestDurationSec == 60)
        #expect(quotas.maxConcurrentTests == 1)
        #expect(quotas.maxTestsPerHourPerPeer == 10)
        #expect(quotas.maxBytesPerDayPerPeer == 5_000_000_000)
        #expect(quotas.cooldownSec == 5)
        #expect(quotas.allowUDPEcho && quotas.allowThroughput)
        #expect(quotas.defaultStreams == 4 && quotas.maxStreams == 8)
    }

    @Test func `defaults are filled in: streams, TCP, and native only for a client that has it`() throws {
        let request = SessionRequest(testType: .throughput, params: SessionParameters(durationSec: 10))
        let old = try policy().validate(request, clientHasNative: false)
        #expect(old.engine == .iperf3 && old.streams == 4 && old.transport == .tcp)
        #expect(try policy().validate(request, clientHasNative: true).engine == .native)
    }

    @Test(
        arguments: [
            SessionParameters(durationSec: 61), SessionParameters(durationSec: 0), SessionParameters(durationSec: .min),
            SessionParameters(durationSec: 5, streams: 0), SessionParameters(durationSec: 5, streams: 9),
            SessionParameters(durationSec: 5, streams: .max), SessionParameters(durationSec: 5, bitrateBps: 0),
            SessionParameters(durationSec: 5, bitrateBps: .min),
            SessionParameters(durationSec: 5, reverse: true, bidirectional: true),
            SessionParameters(durationSec: 5, transport: .udp), SessionParameters(durationSec: 5, waitSec: -1),
            SessionParameters(durationSec: 5, transport: .udp, engine: .native),
        ]
    )
    func `impossible parameters are refused with the range`(params: SessionParameters) {
        let deny = #expect(throws: SessionDeny.self) {
            try policy().validate(SessionRequest(testType: .throughput, params: params), clientHasNative: true)
        }
        #expect(deny?.reason == .invalidParams)
    }

    @Test(
        arguments: TestType.allCases
    )
    func `a test is denied when the mode that was asked for is not the configured one, and the key is named`(
        type: TestType
    ) throws {
        for (own, other) in [(DataMode.tunneled, DataMode.directEphemeral), (.directEphemeral, .tunneled)] {
            func validated(_ mode: DataMode?) throws -> SessionParameters {
                let params = SessionParameters(durationSec: 5, mode: mode)
                return try policy(own).validate(SessionRequest(testType: type, params: params), clientHasNative: true)
            }
            _ = try validated(nil)
            _ = try validated(own)
            let deny = #expect(throws: SessionDeny.self) { try validated(other) }
            #expect(deny?.reason == .invalidParams)
            for words in [own.rawValue, other.rawValue, "network.mode"] {
                #expect(deny?.message.contains(words) == true, "\(deny?.message ?? "")")
            }
        }
    }

    @Test(arguments: [Int.min, -1, 1 << 62, .max])
    func `what an echo has no use for goes no further, however large`(number: Int) throws {
        let params = SessionParameters(
            durationSec: 5,
            streams: number,
            bitrateBps: 1,
            engine: .iperf3,
            latencyProbe: true
        )
        let valid = try policy().validate(SessionRequest(testType: .udpEcho, params: params), clientHasNative: true)
        #expect(valid == SessionParameters(durationSec: 5))
    }

    @Test func `the hour rolls: the eleventh test waits for the first to leave it`() throws {
        let now: Int64 = 1_000_000_000_000
        var usage = PeerUsage()
        usage.startsWithinHour = (0..<10).map { now - 3_000_000 + Int64($0) * 1_000 }
        let deny = #expect(throws: SessionDeny.self) { try policy().admit(usage, now: now) }
        #expect(deny?.reason == .rateLimited)
        #expect(deny?.retryAfterSec == 600)
        usage.startsWithinHour.removeFirst()
        try policy().admit(usage, now: now)
    }

    @Test func `the cooldown counts from the last end; a clock that was set back locks no peer out`() throws {
        let now: Int64 = 1_000_000_000_000
        var usage = PeerUsage()
        for (ago, wait) in [(0, 5), (1, 5), (1_000, 4), (4_999, 1)] as [(Int64, Int)] {
            usage.lastEnd = now - ago
            let deny = #expect(throws: SessionDeny.self) { try policy().admit(usage, now: now) }
            #expect(deny?.retryAfterSec == wait, "\(ago) ms ago")
        }
        usage.lastEnd = now - 5_000
        try policy().admit(usage, now: now)
        usage.lastEnd = now + 86_400_000
        try policy().admit(usage, now: now)
    }

    @Test func `bytes and slots: the last byte and the last slot are the limits`() throws {
        var usage = PeerUsage()
        usage.bytesToday = 4_999_999_999
        try policy().admit(usage, now: 0)
        usage.bytesToday = 5_000_000_000
        #expect(throws: SessionDeny.self) { try policy().admit(usage, now: 0) }
        usage = PeerUsage()
        usage.runningTests = 1
        let deny = #expect(throws: SessionDeny.self) { try policy().admit(usage, now: 0) }
        #expect(deny?.reason == .busy)
        let two = policy(.tunneled) { $0.maxConcurrentTests = 2 }
        try two.admit(usage, now: 0)
        // What a running test holds is not used yet.
        usage.bytesToday = 5_000_000_000
        usage.bytesHeld = 1
        #expect(#expect(throws: SessionDeny.self) { try policy().admit(usage, now: 0) }?.reason == .busy)
        #expect(#expect(throws: SessionDeny.self) { try two.admit(usage, now: 0) }?.reason == .busy)
        usage.bytesHeld = 0
        #expect(#expect(throws: SessionDeny.self) { try policy().admit(usage, now: 0) }?.reason == .quotaExceeded)
    }

    @Test func `an allowance asks for more ahead of need, and ends when there is no more`() {
        let allowance = ByteAllowance(charged: 100, installment: 100)
        #expect(allowance.spend(50) == (.go, false))
        #expect(allowance.spend(10) == (.go, true))
        #expect(allowance.spend(10) == (.go, false))
        allowance.refill(100)
        #expect(allowance.spend(60) == (.go, false))
        #expect(allowance.spend(30) == (.go, true))
        allowance.refill(20)
        #expect(allowance.spend(50) == (.go, false))
        #expect(allowance.spend(10) == (.stop, false))
    }

    @Test func `who counts what has moved waits while the books do not answer, before it moves what they do not hold`()
    {
        let allowance = ByteAllowance(charged: 100, installment: 100)
        #expect(allowance.spend(75) == (.go, true))
        let called = Mutex(0)
        allowance.whenFilled { called.withLock { $0 += 1 } }
        #expect(called.withLock { $0 } == 1)
        #expect(allowance.spend(1) == (.wait, false))
        allowance.whenFilled { called.withLock { $0 += 1 } }
        #expect(called.withLock { $0 } == 1)
        #expect(!allowance.isFilled)
        allowance.refill(100)
        #expect(called.withLock { $0 } == 2)
        #expect(allowance.isFilled)
    }

    @Test
    func `streams take from an allowance what they move, wait while it is filled, and share its end in small pieces`() {
        let installment = 16 << 20
        let allowance = ByteAllowance(charged: installment, installment: installment)
        #expect(allowance.take(4 << 20, moved: 0) == (1 << 20, false))
        var taken = 1 << 20
        var last = taken
        var asked = 0
        while true {
            let (bytes, refill) = allowance.take(4 << 20, moved: last)
            if refill { asked += 1 }
            guard let bytes else { break }
            taken += bytes
            last = bytes
        }
        #expect(taken == installment)
        #expect(asked == 1)
        allowance.refill(100_000)
        #expect(allowance.take(1 << 20, moved: 0) == (64 << 10, false))
        #expect(allowance.take(1 << 20, moved: 0) == (100_000 - (64 << 10), false))
        // Somebody else still has bytes that may come back.
        #expect(allowance.take(1, moved: 100_000 - (64 << 10)) == (nil, false))
        allowance.giveBack(100, moved: (64 << 10) - 100)
        #expect(allowance.take(1_000, moved: 0) == (100, false))
        #expect(allowance.take(1, moved: 100) == (0, false))
    }
}
