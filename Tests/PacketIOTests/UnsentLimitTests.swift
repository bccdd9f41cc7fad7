internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite("Bytes that wait in the kernel", .ownThread)
struct UnsentLimitTests {
    /// The limit after five seconds at `rate` bits a second.
    private func limit(at rate: Double) -> Int {
        var limit = UnsentLimit(at: 0)
        for millisecond in 1...5_000 {
            _ = limit.update(total: UInt64(rate / 8 * Double(millisecond) / 1_000), at: Int64(millisecond) * 1_000_000)
        }
        return limit.bytes
    }

    @Test func `bytes that wait in the kernel last for about 20 ms at the rate that the link has, between bounds`() {
        #expect(limit(at: 256_000) == UnsentLimit.least)
        #expect((125_000...500_000).contains(limit(at: 100_000_000)))
        #expect((1_250_000...5_000_000).contains(limit(at: 1_000_000_000)))
        #expect(limit(at: 40_000_000_000) == UnsentLimit.most)
    }

    @Test func `a link that becomes slow is noticed within two looks`() {
        var limit = UnsentLimit(at: 0)
        var total: UInt64 = 0
        for look in 1...50 {
            total += 2_500_000
            _ = limit.update(total: total, at: Int64(look) * UnsentLimit.reach)
        }
        #expect(limit.bytes > 1_000_000)
        for look in 51...52 {
            total += 2_500
            _ = limit.update(total: total, at: Int64(look) * UnsentLimit.reach)
        }
        #expect(limit.bytes == UnsentLimit.least)
    }
}
