internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("What limits a sender", .ownThread)
struct SendLimitsTests {
    @Test func `time belongs to the limit that was noted last, and to none if none was`() {
        var now = Instant(nanoseconds: 5)
        var limits = SendLimits(now: now)
        now = now + 10
        limits.advance(to: now)
        for (index, limit) in SendLimits.Limit.allCases.enumerated() {
            limits.note(limit)
            now = now + Int64(100 * (index + 1))
            limits.advance(to: now)
        }
        now = now + 7
        limits.advance(to: now)
        #expect(limits.unlimited == 17)
        #expect(SendLimits.Limit.allCases.map { limits[$0] } == [100, 200, 300, 400])
    }

    @Test func `shares are of the time that was accounted for, and together 1`() {
        var now = Instant(nanoseconds: 0)
        var limits = SendLimits(now: now)
        limits.note(.rate)
        // The step before the first moment was long ago: the clock's time between the moments is shorter than what is
        // accounted for in between.
        let earlier = limits
        now = now + 1_000
        limits.advance(to: now)
        limits.note(.path)
        now = now + 200
        limits.advance(to: now)
        now = now + 50
        limits.advance(to: now)
        let (shares, unlimited) = limits.shares(since: earlier)
        #expect(shares.map(\.0) == SendLimits.Limit.allCases)
        #expect(shares.map(\.1) == [200.0 / 1_250, 0, 0, 1_000.0 / 1_250])
        #expect(unlimited == 50.0 / 1_250)
        #expect(limits.shares(since: limits).limits.allSatisfy { $0.1 == 0 })
    }

    @Test func `a path of 200 ms limits a transfer that is over before its window is wide`() throws {
        var path = SessionPair.Path()
        path.delay = 100_000_000
        var pair = try SessionPair([[UInt8](repeating: 7, count: 3_000_000)], over: path)
        let start = pair.now
        pair.run()
        let (evidence, took, isDone) = (pair.sender.evidence, pair.now - start, pair.isDone)
        #expect(isDone)
        // Slow start: the window is what it waits for, but for the handshake, the question, and the last round trip.
        #expect(evidence.limits[.path] > took / 2)
        #expect(evidence.limits[.receiver] == 0 && evidence.limits[.rate] == 0)
        #expect((200_000_000...240_000_000).contains(evidence.roundTrip))
        #expect(evidence.leastRoundTrip == 200_000_000)
        #expect(evidence.datagramSize == 1_472)
        #expect(evidence.lostPackets == 0 && evidence.sentPackets > 2_000)
    }
}
