internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Pacer", .ownThread)
struct PacerTests {
    private static let start = Instant.milliseconds(5)

    /// A reference, so that expectations may change it.
    private final class TestPacer {
        var pacer: Pacer

        init(bytesPerSecond: Double, datagramSize: Int) {
            pacer = Pacer(bytesPerSecond: bytesPerSecond, datagramSize: datagramSize)
        }

        func allowance(now: Instant) -> Int { pacer.allowance(now: now) }
        func nextSend(bytes: Int, now: Instant) -> Instant? { pacer.nextSend(bytes: bytes, now: now) }
        func sent(bytes: Int) { pacer.sent(bytes: bytes) }
    }

    @Test func `the bucket holds 1 ms of the rate, but ten datagrams and at most 64 KiB`() {
        func burst(_ rate: Double, _ size: Int) -> Int {
            let pacer = TestPacer(bytesPerSecond: rate, datagramSize: size)
            return pacer.allowance(now: Self.start)
        }
        #expect(burst(1e3, 1_472) == 14_720)
        #expect(burst(14_720_000, 1_472) == 14_720)
        #expect(burst(30e6, 1_472) == 30_000)
        #expect(burst(1e9, 1_472) == 65_536)
        // Ten of the largest datagrams are more.
        #expect(burst(1e9, 8_972) == 89_720)
    }

    @Test func `bytes come back at the rate, up to the bucket's size`() {
        let pacer = TestPacer(bytesPerSecond: 1e6, datagramSize: 1_000)
        #expect(pacer.allowance(now: Self.start) == 10_000)
        pacer.sent(bytes: 10_000)
        #expect(pacer.allowance(now: Self.start) == 0)
        #expect(pacer.allowance(now: Self.start + 3_000_000) == 3_000)
        #expect(pacer.allowance(now: Self.start + 10_000_000) == 10_000)
        #expect(pacer.allowance(now: Self.start + 500_000_000) == 10_000)
    }

    @Test func `the time of the next packet is exact enough for one wakeup`() throws {
        for rate in [1e3, 333_333, 1e6, 12_345_678, 7e8] {
            let pacer = TestPacer(bytesPerSecond: rate, datagramSize: 1_472)
            var now = Self.start
            #expect(pacer.nextSend(bytes: 1_472, now: now) == nil)
            pacer.sent(bytes: pacer.allowance(now: now))
            for _ in 0..<1_000 {
                let next = try #require(pacer.nextSend(bytes: 1_472, now: now))
                #expect(pacer.allowance(now: next - 2_000) < 1_472 || rate * 2e-6 >= 1_472)
                now = next
                #expect(pacer.allowance(now: now) >= 1_472)
                pacer.sent(bytes: pacer.allowance(now: now))
            }
        }
    }

    @Test func `over a second exactly the rate goes, even if each wakeup is 0_9 ms late`() throws {
        let pacer = TestPacer(bytesPerSecond: 20e6, datagramSize: 1_250)
        var now = Self.start
        var sent = 0
        while now < Self.start + 1_000_000_000 {
            let allowance = pacer.allowance(now: now) / 1_250 * 1_250
            pacer.sent(bytes: allowance)
            sent += allowance
            now = try #require(pacer.nextSend(bytes: 1_250, now: now)) + 900_000
        }
        #expect(abs(sent - 20_000_000) < 25_000)
    }

    @Test func `packets that did not ask are paid back`() {
        let pacer = TestPacer(bytesPerSecond: 1e6, datagramSize: 1_000)
        pacer.sent(bytes: pacer.allowance(now: Self.start))
        pacer.sent(bytes: 2_000)
        #expect(pacer.nextSend(bytes: 1_000, now: Self.start) == Self.start + 3_000_001)
        // At most as much as the bucket holds.
        pacer.sent(bytes: 1_000_000)
        #expect(pacer.nextSend(bytes: 1_000, now: Self.start) == Self.start + 11_000_001)
    }

    @Test func `a new rate holds from its time on`() {
        let pacer = TestPacer(bytesPerSecond: 1e6, datagramSize: 1_000)
        pacer.sent(bytes: pacer.allowance(now: Self.start))
        pacer.pacer.setRate(bytesPerSecond: 2e6, datagramSize: 1_000, now: Self.start + 1_000_000)
        #expect(pacer.allowance(now: Self.start + 2_000_000) == 3_000)
    }

    @Test func `more than the bucket holds is not waited for`() {
        let pacer = TestPacer(bytesPerSecond: 1e6, datagramSize: 1_000)
        #expect(pacer.nextSend(bytes: 50_000, now: Self.start) == nil)
    }

    @Test func `a clock that goes back gives nothing`() {
        let pacer = TestPacer(bytesPerSecond: 1e6, datagramSize: 1_000)
        pacer.sent(bytes: pacer.allowance(now: Self.start))
        #expect(pacer.allowance(now: Self.start - 4_000_000) == 0)
        #expect(pacer.allowance(now: Self.start + 1_000_000) == 1_000)
    }

    @Test func `switched off it limits nothing`() {
        let pacer = TestPacer(bytesPerSecond: 1, datagramSize: 1_000)
        pacer.pacer.isEnabled = false
        pacer.sent(bytes: 1_000_000)
        #expect(pacer.allowance(now: Self.start) == .max)
        #expect(pacer.nextSend(bytes: 1_000_000, now: Self.start) == nil)
    }
}
