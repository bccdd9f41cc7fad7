internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// Links of known rates, in time that does not pass.
@Suite("Timeline of a flow")
struct FlowTimelineTests {
    private static let second: UInt64 = 1_000_000_000
    /// A segment of TCP, without its headers.
    private static let segment = 1_448

    /// What a receiver reads from a line that delivers a segment every `gap` nanoseconds, all that has come each
    /// `pause`.
    private func line(gap: UInt64, pause: UInt64 = 0, seconds: Int, until end: UInt64? = nil) -> FlowTimeline {
        var timeline = FlowTimeline(asked: seconds)
        let start = 5 * Self.second
        let last = end ?? UInt64(seconds + 1) * Self.second
        var (time, kept, read) = (gap, 0, UInt64(0))
        while time <= last {
            kept += Self.segment
            if time - read >= pause {
                timeline.add(kept, at: start + time)
                (kept, read) = (0, time)
            }
            time += gap
        }
        return timeline
    }

    private func rate(gap: UInt64) -> Double { Double(Self.segment) * 8 / Double(gap) * 1e9 }

    /// 256 kbit/s, 10 Mbit/s and 1 Gbit/s, read at once, or by a process that runs every 40 ms.
    @Test(
        arguments: [45_000_000, 1_158_400, 11_584] as [UInt64],
        [0, 40_000_000] as [UInt64]
    )
    func `the rate is the line's, from slow to fast, in short tests and in long ones`(gap: UInt64, pause: UInt64) throws
    {
        for seconds in [1, 2, 10] where UInt64(seconds) * Self.second / gap < 1_000_000 {
            let reading = try #require(
                line(gap: gap, pause: pause, seconds: seconds).reading(until: 100 * Self.second)
            )
            let read = try #require(reading.bitsPerSecond)
            #expect((0.95...1.005).contains(read / rate(gap: gap)), "\(read) of \(rate(gap: gap)) in \(seconds) s")
        }
    }

    @Test(
        arguments: [45_000_000, 1_158_400] as [UInt64],
        [0, 40_000_000, 300_000_000] as [UInt64]
    )
    func `intervals add up to the whole, and none is faster than the line`(gap: UInt64, pause: UInt64) throws {
        let reading = try #require(line(gap: gap, pause: pause, seconds: 5).reading(until: 100 * Self.second))
        let intervals = reading.intervals
        #expect(intervals.reduce(0) { $0 + $1.bytes } == reading.bytes)
        #expect(intervals.first?.startSec == 0)
        #expect(intervals.last?.endSec == reading.seconds)
        for (one, next) in zip(intervals, intervals.dropFirst()) { #expect(one.endSec == next.startSec) }
        for interval in intervals {
            // A byte is the least that can be counted.
            let most = rate(gap: gap) * 1.02 + 8
            #expect(Double(interval.bytes) * 8 / (interval.endSec - interval.startSec) <= most, "\(interval)")
        }
    }

    @Test func `a heap that TCP gives out after a loss belongs to the time in which it came`() throws {
        var timeline = FlowTimeline(asked: 4)
        let start = 3 * Self.second
        for tenth in 1...20 where tenth < 8 { timeline.add(125_000, at: start + UInt64(tenth) * Self.second / 10) }
        // 1.3 s of a line of 10 Mbit/s, in two reads within a millisecond.
        timeline.add(1_000_000, at: start + 2 * Self.second)
        timeline.add(625_000, at: start + 2 * Self.second + 500_000)
        for tenth in 21...50 { timeline.add(125_000, at: start + UInt64(tenth) * Self.second / 10) }
        let reading = try #require(timeline.reading(until: start + 5 * Self.second))
        for interval in reading.intervals {
            let perSecond = Double(interval.bytes) / (interval.endSec - interval.startSec)
            #expect(perSecond <= 1_275_000, "\(interval)")
        }
    }

    @Test func `silence at the end is part of the time, and is named`() throws {
        let timeline = line(gap: 1_158_400, seconds: 10, until: 5 * Self.second / 2)
        let reading = try #require(timeline.reading(until: 100 * Self.second))
        #expect((9.99...10.01).contains(reading.seconds))
        #expect((2.45...2.55).contains(try #require(reading.silentSinceSec)))
        #expect((2.4e6...2.6e6).contains(try #require(reading.bitsPerSecond)))
        #expect(reading.intervals.count == 10)
        #expect(reading.intervals.last?.bytes == 0)
        // While it lasts, a pause is none.
        #expect(try #require(timeline.reading(until: 8 * Self.second)).silentSinceSec == nil)
    }

    @Test func `what comes after the time is over counts for the sender, who was late, and not for the receiver`()
        throws
    {
        var timeline = FlowTimeline(asked: 1)
        timeline.add(0, at: 10)
        timeline.add(1_000, at: 10 + Self.second / 2)
        timeline.add(500, at: 10 + Self.second + Self.second / 10)
        timeline.add(0, at: 10 + Self.second * 5 / 4)
        let received = try #require(timeline.reading(until: 10 + 2 * Self.second))
        #expect(received.bytes < 1_500)
        #expect(received.seconds == 1)
        let sent = try #require(timeline.reading())
        #expect(sent.bytes == 1_500)
        #expect(sent.seconds == 1.25)
        #expect(sent.intervals.reduce(0) { $0 + $1.bytes } == 1_500)
    }

    @Test func `a flow that its sender has ended has no silence behind it`() {
        let meter = FlowMeter(seconds: 10)
        meter.opened()
        meter.mark(at: 0)
        for index in 1...30 { meter.record(1_000, at: UInt64(index) * Self.second / 10) }
        meter.ended(at: 3 * Self.second)
        let reading = meter.received(at: 60 * Self.second)
        #expect(reading.seconds == 3)
        #expect(reading.silentSinceSec == nil)
        #expect(reading.bytes == 30_000)
        #expect(meter.left(at: 4 * Self.second) == 0)
    }

    @Test func `bytes inside TLS are timed as they come from the network, not as whole records are given out`() throws {
        let meter = FlowMeter(seconds: 10)
        meter.opened(.arrivals(.fullRecords))
        // 245 kbit/s: a record of 16 406 bytes takes half a second.
        var (time, wire, given) = (UInt64(0), 0, 0)
        while time < 12 * Self.second {
            let since = time
            time += 47_281_633
            wire += Self.segment
            meter.arrived(Self.segment, since: since, lastLook: since, until: time)
            while wire - given >= 16_406 {
                given += 16_406
                meter.record(16_384, at: time)
            }
        }
        let read = try #require(meter.received(at: 12 * Self.second).bitsPerSecond)
        #expect((0.98...1.005).contains(read / (245_000 * 16_384 / 16_406)), "\(read)")
    }

    @Test func `a first read beside next to nothing invents no time, and hides no silence`() throws {
        var timeline = FlowTimeline(asked: 10)
        timeline.add(14_000, at: Self.second)
        timeline.add(1_400, at: 2 * Self.second)
        let reading = try #require(timeline.reading(until: 20 * Self.second))
        #expect(reading.bytes == 15_400)
        #expect((10...11).contains(reading.seconds))
        #expect(try (0.9...2.1).contains(#require(reading.silentSinceSec)))
        #expect(reading.intervals.reduce(0) { $0 + $1.bytes } == 15_400)
    }

    @Test func `records of a byte are not counted as full ones`() {
        let meter = FlowMeter(seconds: 10)
        meter.opened(.arrivals(.fullRecords))
        // A byte in each record of 23.
        for tenth in UInt64(1)..<120 {
            let time = tenth * Self.second / 10
            meter.delivered(230_000)
            meter.record(10_000, at: time)
            meter.arrived(230_000, since: time - Self.second / 10, lastLook: time - Self.second / 10, until: time)
        }
        let reading = meter.received(at: 12 * Self.second)
        #expect((900_000...1_100_000).contains(reading.bytes), "\(reading.bytes)")
    }
}
