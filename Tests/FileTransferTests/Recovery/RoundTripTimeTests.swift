internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Round-trip time", .ownThread)
struct RoundTripTimeTests {
    private static let millisecond: Int64 = 1_000_000

    /// Milliseconds.
    private static func time(_ samples: (sample: Int64, delay: Int64)...) -> RoundTripTime {
        var time = RoundTripTime()
        for sample in samples { time.add(sample.sample * millisecond, delay: sample.delay * millisecond) }
        return time
    }

    @Test func `without a sample it is 333 ms`() {
        let time = RoundTripTime()
        #expect(time.smoothed == 333_000_000)
        #expect(time.variation == 166_500_000)
        #expect(time.latest == nil)
        #expect(time.probeTimeout == 1_024_000_000)
    }

    @Test func `the first sample counts without the peer's delay`() {
        let time = Self.time((100, 20))
        #expect(time.smoothed == 100_000_000)
        #expect(time.variation == 50_000_000)
        #expect(time.minimum == 100_000_000)
    }

    @Test func `later samples are smoothed`() {
        let time = Self.time((100, 0), (120, 0))
        // 3/4 × 50 + 1/4 × 20; 7/8 × 100 + 1/8 × 120.
        #expect(time.variation == 42_500_000)
        #expect(time.smoothed == 102_500_000)
        #expect(time.latest == 120_000_000)
        #expect(time.lossBasis == 120_000_000)
        #expect(time.probeTimeout == (102_500_000 + 170_000_000 + 25_000_000))
    }

    @Test func `the peer's delay is subtracted, at most 25 ms of it, and never below the minimum`() {
        #expect(Self.time((100, 0), (120, 16)).smoothed == 100_500_000)
        #expect(Self.time((100, 0), (120, 20)).smoothed == 100_000_000)
        #expect(Self.time((100, 0), (120, 21)).smoothed == 102_500_000)
        #expect(Self.time((100, 0), (180, 60)).smoothed == 106_875_000)
    }

    @Test func `the minimum falls, and is set anew on demand`() {
        var time = Self.time((100, 0), (80, 0), (120, 0))
        #expect(time.minimum == 80_000_000)
        time.resetMinimum()
        #expect(time.minimum == 120_000_000)
    }

    @Test func `a clock that stands still does no harm`() {
        var time = RoundTripTime()
        for _ in 0..<100 { time.add(0, delay: 0) }
        #expect(time.smoothed == 1)
        time.add(-5, delay: 0)
        #expect(time.minimum == 1)
    }
}
