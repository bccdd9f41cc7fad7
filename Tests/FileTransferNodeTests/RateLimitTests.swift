internal import OwnThread
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

@Suite("Rate limits", .ownThread)
struct RateLimitTests {
    @Test(arguments: [10_000.0, 20e6, 1e9, 40e9], [1_472, 60_000])
    func `runs of any length keep the rate, in all and in each second`(rate: Double, run: Int) {
        var now = Instant(nanoseconds: 1_000_000_000)
        let start = now
        var limit = RateLimit(bitsPerSecond: rate, now: now)
        var sent: [(at: Instant, bytes: Int)] = []
        for _ in 0..<2_000 {
            while !limit.admits(now) {
                let next = limit.next
                #expect(next > now)
                now = max(next, now + 1)
            }
            limit.sent(run)
            sent.append((now, run))
        }
        let seconds = Double(now - start) / 1e9
        let bits = Double(sent.reduce(0) { $0 + $1.bytes }) * 8
        // A burst and a run may come first.
        let burst = max(1_500 * 8, rate * 0.01) + Double(run) * 8
        #expect(bits <= rate * seconds + burst)
        #expect(bits >= rate * seconds * 0.99)
    }

    @Test func `a transfer keeps the limit, and is whole`() throws {
        var options = SendOptions()
        options.rateLimit = 40e6
        let result = try WholeTransfer.run(bytes: 5_000_000, options: options)
        #expect(result.isWhole)
        // 40 Mbit of data, without its headers. How much longer it takes depends on the machine.
        #expect(result.seconds > 0.98)
    }
}
