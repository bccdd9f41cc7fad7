internal import Glibc
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite(.timeLimit(.minutes(3))) struct EchoProberTests {
    private static let token = AccessToken(high: 0xA, low: 0xB)

    private func server(rate: Int = 1_000_000) throws -> EchoServer {
        let server = try EchoServer(binding: InternetAddress(.loopbackIPv4, port: 0))
        let permit = EchoPermit(token: Self.token, peer: .host(.loopbackIPv4), maximumPacketsPerSecond: rate)
        try server.admit(permit)
        try server.start()
        return server
    }

    private func plan(_ server: EchoServer, count: Int, interval: Int64 = 200_000) -> EchoProbePlan {
        var plan = EchoProbePlan(target: server.address, token: Self.token, count: count)
        plan.interval = interval
        plan.grace = 60_000_000_000
        return plan
    }

    @Test func `every probe is answered and timed`() async throws {
        let server = try self.server()
        defer { server.shutdown() }
        var plan = self.plan(server, count: 300)
        plan.datagramLength = 600
        let samples = try await EchoProber(plan).samples()
        #expect(samples.sent == 300 && samples.received == 300 && samples.strays == 0)
        for sequence in 0..<300 {
            let (sent, got) = (samples.sendTimes[sequence], samples.receiveTimes[sequence])
            let (there, back) = (samples.serverReceiveTimes[sequence], samples.serverSendTimes[sequence])
            #expect(sent <= got && there <= back && there > 0 && back - there <= got - sent + 1_000_000)
            #expect(samples.roundTrip(sequence) == got - sent && samples.serverTime(sequence) == back - there)
        }
        #expect(samples.arrivalOrder.sorted() == Array(1...300))
        let counters = try #require(server.counters(Self.token))
        #expect(counters.distinctSequences == 300 && counters.bytesIn == 300 * 600 && counters.bytesOut == 300 * 600)
    }

    @Test func `no probe leaves before its time`() async throws {
        let server = try self.server()
        defer { server.shutdown() }
        let samples = try await EchoProber(self.plan(server, count: 50, interval: 2_000_000)).samples()
        // However late the machine wakes us, never early. (How late is the machine's affair.)
        #expect(samples.elapsed >= 49 * 2_000_000)
        #expect(samples.sent == 50 && samples.sendTimes == samples.sendTimes.sorted())
    }

    @Test func `what the server refuses is missing and nothing else`() async throws {
        let server = try self.server(rate: 5)
        defer { server.shutdown() }
        var plan = self.plan(server, count: 20)
        plan.grace = 1_000_000
        let samples = try await EchoProber(plan).samples()
        #expect(samples.sent == 20 && samples.received < 20)
        for sequence in 0..<20 {
            #expect((samples.roundTrip(sequence) == nil) == (samples.arrivalOrder[sequence] == 0))
        }
    }

    @Test func `stopping ends an open-ended run with its replies in`() throws {
        let server = try self.server()
        defer { server.shutdown() }
        let progress = Mutex(0)
        let prober = try EchoProber(self.plan(server, count: 3_000_000, interval: 1_000_000)) { state in
            progress.withLock { $0 += 1 }
            #expect(state.received <= state.sent)
        }
        let thread = try prober.start()
        while progress.withLock({ $0 }) == 0 { sched_yield() }
        prober.stop()
        let samples = try thread.join().get()
        #expect(samples.sent > 0 && samples.received == samples.sent && samples.sent < 3_000_000)
        #expect(samples.count == samples.sent && samples.capacity == 3_000_000)
    }

    @Test func `canceling does not wait for replies`() async throws {
        // Bound, and never answering.
        let silent = try Socket.bindUDP(InternetAddress(.loopbackIPv4, port: 0))
        var plan = EchoProbePlan(target: try silent.localAddress(), token: Self.token, count: 1)
        plan.grace = 3_600_000_000_000
        let prober = try EchoProber(plan)
        let task = Task { try await prober.samples() }
        _ = silent.receive()
        task.cancel()
        let samples = try await task.value
        #expect(samples.sent == 1 && samples.received == 0)
    }

    @Test func `a closed port is reported as refused`() async throws {
        let address = InternetAddress(.loopbackIPv4, port: try ReservedPort.next())
        var plan = EchoProbePlan(target: address, token: Self.token, count: 20)
        plan.interval = 1_000_000
        plan.grace = 1_000_000
        let samples = try await EchoProber(plan).samples()
        #expect(samples.refusals > 0 && samples.received == 0)
    }

    @Test func `a plan out of bounds is refused before anything is sent`() throws {
        let target = InternetAddress(.loopbackIPv4, port: 9)
        var plans = (0..<5).map { _ in EchoProbePlan(target: target, token: Self.token, count: 10) }
        plans[0].count = 0
        plans[1].count = EchoProbePlan.maximumCount + 1
        plans[2].interval = 49_999
        plans[3].datagramLength = 55
        plans[4].datagramLength = EchoDatagram.maximumLength + 1
        for plan in plans {
            #expect { try EchoProber(plan) } throws: { if case EchoProbeError.invalidPlan = $0 { true } else { false } }
        }
        #expect(EchoProbePlan(target: target, token: Self.token, interval: 0, duration: 1).count == 0)
    }
}

@Suite struct EchoSamplesTests {
    private static let token = AccessToken(high: 1, low: 2)

    private func reply(_ sequence: UInt64, sent: Int64, token: AccessToken = EchoSamplesTests.token) -> EchoDatagram {
        EchoDatagram(token: token, sequence: sequence, clientSend: sent, serverReceive: 10, serverSend: 11)
    }

    @Test func `replies are recorded and impostors counted`() {
        var samples = EchoSamples(capacity: 4)
        for time in [100, 200, 300] as [Int64] { _ = samples.recordSend(at: time) }
        samples.recordReply(self.reply(2, sent: 300), token: Self.token, receivedAt: 350)
        samples.recordReply(self.reply(0, sent: 100), token: Self.token, receivedAt: 360)
        samples.recordReply(self.reply(0, sent: 100), token: Self.token, receivedAt: 370)
        samples.recordReply(self.reply(1, sent: 201), token: Self.token, receivedAt: 370)
        samples.recordReply(self.reply(3, sent: 0), token: Self.token, receivedAt: 370)
        samples.recordReply(self.reply(.max, sent: 0), token: Self.token, receivedAt: 370)
        samples.recordReply(self.reply(1, sent: 200, token: .random()), token: Self.token, receivedAt: 370)
        #expect(samples.received == 2 && samples.reordered == 1 && samples.duplicateReplies == 1 && samples.strays == 4)
        #expect(samples.roundTrip(0) == 260 && samples.roundTrip(1) == nil && samples.roundTrip(2) == 50)
        #expect(samples.roundTrip(-1) == nil && samples.roundTrip(4) == nil && samples.serverTime(0) == 1)
        #expect(samples.arrivalOrder == [2, 0, 1, 0] && samples.duplicates == [1, 0, 0, 0])
    }

    @Test func `a full buffer takes no more replies, and a failed send is no probe`() {
        var samples = EchoSamples(capacity: 1)
        #expect(samples.recordSend(at: 5) == 0)
        #expect(samples.recordSend(at: 6) == nil)
        samples.takeBackSend()
        samples.recordReply(self.reply(0, sent: 0), token: Self.token, receivedAt: 9)
        #expect(samples.sent == 0 && samples.sendFailures == 1 && samples.strays == 1)
    }

    @Test func `what is behind the last answer may be left out`() {
        var samples = EchoSamples(capacity: 6)
        for time in 1...6 as ClosedRange<Int64> { _ = samples.recordSend(at: time) }
        samples.leaveOutTail()
        // Nothing was answered: nothing says that the tunnel is alive.
        #expect(samples.sent == 6 && samples.inFlight == 0)
        samples.recordReply(self.reply(2, sent: 3), token: Self.token, receivedAt: 9)
        samples.leaveOutTail()
        #expect(samples.sent == 3 && samples.inFlight == 3 && samples.received == 1)
    }
}

@Suite struct ReceiptTimeTests {
    /// A wall clock of 1 000 s when the steady one says 100 s, and a socket that was empty at 99.9 s.
    private func steady(stamp: Int64, step: Int64 = 0) -> Int64 {
        let (now, earliest): (Int64, Int64) = (100_000_000_000, 99_900_000_000)
        return ReceiptTime.steady(stamp: stamp, offset: 900_000_000_000 + step, between: earliest, and: now)
    }

    @Test func `the kernel's timestamp is converted to the monotonic clock`() {
        #expect(self.steady(stamp: 999_950_000_000) == 99_950_000_000)
        #expect(self.steady(stamp: 0) == 100_000_000_000)
    }

    @Test(arguments: [-3_000_000_000, 3_000_000_000, 86_400_000_000_000] as [Int64])
    func `a stamp from before the wall clock was set is worth nothing`(step: Int64) {
        #expect(self.steady(stamp: 999_950_000_000, step: step) == 100_000_000_000)
    }
}

@Suite struct EchoGraceTests {
    private static let second: Int64 = 1_000_000_000

    @Test func `the wait is twice the longest round trip within bounds`() {
        #expect(EchoProbePlan.grace(Self.second, longest: 40_000_000) == Self.second)
        #expect(EchoProbePlan.grace(Self.second, longest: 1_400_000_000) == 2_800_000_000)
        #expect(EchoProbePlan.grace(Self.second, longest: .max) == EchoProbePlan.maximumGrace)
        #expect(EchoProbePlan.grace(Self.second, longest: nil) == 3 * Self.second)
    }
}
