internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct EchoResponderTests {
    private static let token = AccessToken(high: 1, low: 2)
    private static let peer = InternetHost(ipv4: 0xC000_0207)
    private static let source = EchoSource.datagram(InternetAddress(peer, port: 1000))

    private func permit(rate: Int = 1_000_000, account: (any ByteAccount)? = nil) -> EchoPermit {
        EchoPermit(
            token: Self.token,
            peer: .host(Self.peer),
            maximumPacketsPerSecond: rate,
            account: account
        )
    }

    private func responder(_ permit: EchoPermit) throws -> EchoResponder {
        var responder = EchoResponder()
        try responder.admit(permit)
        return responder
    }

    /// The verdict on one datagram, and its bytes afterwards.
    private func present(
        _ responder: inout EchoResponder,
        sequence: UInt64 = 0,
        token: AccessToken = EchoResponderTests.token,
        from source: EchoSource = EchoResponderTests.source,
        payload: Int = 0,
        now: Int64 = 0
    ) -> (verdict: EchoResponder.Verdict, bytes: [UInt8]) {
        var bytes = EchoDatagram(token: token, sequence: sequence, clientSend: 5).bytes(
            payload: Array(repeating: 0, count: payload)
        )
        let verdict = responder.respond(to: &bytes, from: source, receivedAt: 77, now: now)
        return (verdict, bytes)
    }

    @Test func `a permitted datagram comes back with the receive time and nothing else changed`() throws {
        var responder = try self.responder(self.permit())
        let (verdict, bytes) = self.present(&responder, sequence: 9, payload: 3)
        #expect(verdict.isReply)
        let expected = EchoDatagram(token: Self.token, sequence: 9, clientSend: 5, serverReceive: 77)
        #expect(bytes == expected.bytes(payload: [0, 0, 0]))
    }

    @Test func `a stranger is dropped unchanged and counted`() throws {
        var responder = try self.responder(self.permit())
        let (verdict, bytes) = self.present(&responder, token: AccessToken(high: 1, low: 3))
        #expect(verdict == .drop(.unknownToken))
        #expect(bytes == EchoDatagram(token: AccessToken(high: 1, low: 3), sequence: 0, clientSend: 5).bytes())
        var short: [UInt8] = [0x50, 0x50]
        #expect(responder.respond(to: &short, from: Self.source, receivedAt: 0, now: 0) == .drop(.malformed))
        #expect(responder.strangers.unknownToken == 1 && responder.strangers.malformed == 1)
        // Both bear the peer's address, so their bytes are the permit's; nothing else is.
        var expected = EchoCounters()
        expected.bytesRefused = UInt64(56 + 2 + 2 * UDPLength.headers)
        #expect(responder.counters(Self.token) == expected)
    }

    @Test func `another address is dropped and does not pin its port`() throws {
        var responder = try self.responder(self.permit())
        let thief = EchoSource.datagram(InternetAddress(InternetHost(ipv4: 1), port: 2000))
        #expect(self.present(&responder, from: thief).verdict == .drop(.wrongSource))
        #expect(self.present(&responder, from: .tunnel(0)).verdict == .drop(.wrongSource))
        #expect(self.present(&responder).verdict.isReply, "the owner was refused")
        #expect(responder.counters(Self.token)?.wrongSource == 2)
        #expect(responder.counters(Self.token)?.packetsReceived == 1)
    }

    @Test func `the first port is the only one from then on`() throws {
        var responder = try self.responder(self.permit())
        _ = self.present(&responder)
        let second = EchoSource.datagram(InternetAddress(Self.peer, port: 1001))
        #expect(self.present(&responder, from: second).verdict == .drop(.wrongSource))
    }

    @Test func `a mapped source is its IPv4 peer`() throws {
        var responder = try self.responder(self.permit())
        let mapped = try #require(InternetAddress("[::ffff:192.0.2.7]:1000"))
        #expect(
            self.present(&responder, from: .datagram(mapped)).verdict.isReply,
            "a dual-stack socket reports IPv4 peers this way"
        )
    }

    @Test func `a tunnel's permit answers that tunnel only`() throws {
        var permit = self.permit()
        permit.peer = .tunnel(4)
        var responder = try self.responder(permit)
        #expect(self.present(&responder).verdict == .drop(.wrongSource))
        #expect(self.present(&responder, from: .tunnel(5)).verdict == .drop(.wrongSource))
        #expect(self.present(&responder, from: .tunnel(4)).verdict.isReply, "no reply")
    }

    @Test func `the account counts both directions`() throws {
        let account = FixedAccount(bytes: 56 * 4 + 111)
        var responder = try self.responder(self.permit(account: account))
        for _ in 0..<2 {
            #expect(self.present(&responder).verdict.isReply, "within the budget")
        }
        #expect(self.present(&responder).verdict == .drop(.budget))
        #expect(account.isSpent)
        #expect(self.present(&responder).verdict == .drop(.budget))
        let counters = try #require(responder.counters(Self.token))
        #expect(counters.overBudget == 2 && counters.bytesOut == 112 && counters.bytesIn == 224)
    }

    @Test func `every datagram from the peer's address is charged to its account`() throws {
        let account = FixedAccount(bytes: EchoResponder.grant)
        var responder = try self.responder(self.permit(account: account))
        #expect(self.present(&responder).verdict.isReply)
        let wrong = AccessToken(high: 9, low: 9)
        let stranger = EchoSource.datagram(InternetAddress(InternetHost(ipv4: 1), port: 1000))
        let otherPort = EchoSource.datagram(InternetAddress(Self.peer, port: 1001))
        var long = [UInt8](repeating: 0, count: EchoDatagram.maximumLength + 1)
        var empty: [UInt8] = []
        for _ in 0..<100 {
            #expect(self.present(&responder, token: wrong, from: stranger).verdict == .drop(.unknownToken))
            #expect(self.present(&responder, from: stranger).verdict == .drop(.wrongSource))
            #expect(responder.respond(to: &long, from: stranger, receivedAt: 0, now: 0) == .drop(.malformed))
        }
        // Strangers took nothing: the peer's 56 bytes and the reply are all that is gone.
        #expect(self.present(&responder, payload: 8_000).verdict.isReply && !account.isSpent)
        _ = self.present(&responder, token: wrong)
        _ = self.present(&responder, from: otherPort)
        _ = responder.respond(to: &empty, from: Self.source, receivedAt: 0, now: 0)
        let refused = try #require(responder.counters(Self.token)).bytesRefused
        #expect(refused == UInt64(2 * 56 + 3 * UDPLength.headers))
        #expect(!account.isSpent)
        // Of a longer one than any that is answered only the beginning was received: it counts as the longest there is.
        _ = responder.respond(to: &long, from: Self.source, receivedAt: 0, now: 0)
        #expect(account.isSpent)
        #expect(self.present(&responder).verdict == .drop(.budget))
        #expect(responder.counters(Self.token)?.packetsReceived == 3)
    }

    @Test func `what comes too fast is dropped but counts as arrived`() throws {
        var responder = try self.responder(self.permit(rate: 10))
        #expect(self.present(&responder, sequence: 0).verdict.isReply, "the first")
        #expect(self.present(&responder, sequence: 1).verdict == .drop(.rate))
        let counters = try #require(responder.counters(Self.token))
        #expect(counters.overRate == 1 && counters.distinctSequences == 2 && counters.repliesSent == 1)
    }

    @Test func `arrivals are first, duplicate or reordered`() throws {
        var responder = try self.responder(self.permit())
        for sequence in [5, 7, 6, 7, 100_000, 3] as [UInt64] { _ = self.present(&responder, sequence: sequence) }
        let last = responder.revoke(Self.token)
        let counters = try #require(last)
        #expect(counters.packetsReceived == 6 && counters.distinctSequences == 4)
        #expect(counters.reordered == 1 && counters.duplicates == 1 && counters.tooOld == 1)
        #expect(counters.highestSequence == 100_000)
    }

    @Test func `a revoked token is a stranger`() throws {
        var responder = try self.responder(self.permit())
        #expect(responder.revoke(Self.token) != nil)
        #expect(responder.revoke(Self.token) == nil)
        #expect(responder.counters(Self.token) == nil)
        #expect(self.present(&responder).verdict == .drop(.unknownToken))
    }

    @Test func `a reply that was not sent counts as arrived only`() throws {
        var responder = try self.responder(self.permit())
        var bytes = EchoDatagram(token: Self.token, sequence: 4, clientSend: 5).bytes()
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        let judgment = responder.judge(&raw, from: Self.source, receivedAt: 77, now: 0)
        responder.settle(judgment, raw.bytes, wasSent: false)
        let counters = try #require(responder.counters(Self.token))
        #expect(counters.repliesSent == 0 && counters.bytesOut == 0 && counters.unsent == 1)
        #expect(counters.packetsReceived == 1 && counters.highestSequence == 4)
    }

    @Test func `permits are found among many and bounded`() throws {
        var responder = EchoResponder()
        for index in 0..<EchoResponder.maximumPermits {
            var permit = self.permit()
            permit.token = AccessToken(high: 0, low: UInt64(index))
            try responder.admit(permit)
        }
        #expect(throws: EchoResponder.AdmitError.tooManyPermits) { try responder.admit(self.permit()) }
        _ = responder.revoke(AccessToken(high: 0, low: 0))
        var again = self.permit()
        again.token = AccessToken(high: 0, low: 63)
        #expect(throws: EchoResponder.AdmitError.tokenInUse) { try responder.admit(again) }
        for index in 1..<EchoResponder.maximumPermits {
            let token = AccessToken(high: 0, low: UInt64(index))
            #expect(self.present(&responder, token: token).verdict.isReply, "\(index)")
            #expect(responder.counters(token)?.packetsReceived == 1)
        }
    }
}

extension EchoResponder.Verdict {
    fileprivate var isReply: Bool {
        self == .reply
    }
}
