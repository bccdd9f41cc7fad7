internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// Lines of known rates that lose segments, in time that does not pass.
@Suite("Sampled streams") struct SampledStreamTests {
    private static let second: UInt64 = 1_000_000_000
    private static let segment = 1_448

    /// A line that brings a segment every `gap` nanoseconds to one stream after the other. Of each stream every 40th
    /// segment is lost and comes again 15 segments of that stream later: until then TCP gives out nothing.
    private func received(gap: UInt64, streams: Int, seconds: Int) -> FlowReading {
        let flow = FlowMeter(seconds: seconds)
        var lines = (0..<streams).map { _ in Line(flow) }
        var (count, look) = (0, UInt64(0))
        var time: UInt64 = 1
        while time < UInt64(seconds + 1) * Self.second {
            lines[count % streams].come(at: time)
            count += 1
            time += gap
            while look < time {
                for index in lines.indices { lines[index].look(at: look) }
                look += lines.map(\.stream.pause).min() ?? 1
            }
        }
        return flow.received(at: time)
    }

    private struct Line {
        let flow: FlowMeter
        var stream: SampledStream
        var socket = ReceivedSegments(
            inOrder: 0,
            unread: 0,
            segments: 0,
            outOfOrder: 0,
            size: UInt32(SampledStreamTests.segment),
            queued: 0
        )
        private var (come, held, read) = (0, 0, 0)
        /// So many of the first segments come behind one that is missing.
        var holdsFirst = 0

        init(_ flow: FlowMeter) {
            self.flow = flow
            stream = SampledStream(from: socket)
            flow.opened(.arrivals(nil))
        }

        mutating func come(at now: UInt64) {
            come += 1
            socket.segments += 1
            let place = come % 40
            if (1...15).contains(place) && come > 40 || come <= holdsFirst {
                held += 1
                socket.outOfOrder += 1
            } else {
                read += (held + 1) * SampledStreamTests.segment
                held = 0
            }
            socket.inOrder = UInt64(read)
            // Where the kernel joins them they take no more than their bytes.
            socket.queued = UInt32(held * SampledStreamTests.segment)
            if stream.until == nil, read > 0 { stream.begin(read: read, at: now, in: flow) }
        }

        mutating func look(at now: UInt64) { stream.look(read: read, socket, at: now, in: flow) }
    }

    /// 256 kbit/s, 1, 10 and 100 Mbit/s.
    @Test(
        arguments: [45_247_000, 11_583_000, 1_158_300, 115_830] as [UInt64],
        [1, 4]
    )
    func `neither the rate nor an interval is another than the line's, whatever TCP holds back`(
        gap: UInt64,
        streams: Int
    ) throws {
        let reading = received(gap: gap, streams: streams, seconds: 10)
        let line = Double(Self.segment) * 1e9 / Double(gap)
        let read = try #require(reading.bitsPerSecond) / 8
        #expect((0.95...1.005).contains(read / line), "\(read / line)")
        #expect(reading.intervals.reduce(0) { $0 + $1.bytes } == reading.bytes)
        for interval in reading.intervals {
            let rate = Double(interval.bytes) / (interval.endSec - interval.startSec)
            // At 256 kbit/s a segment is 4.5 % of a second.
            let most = 1 + max(0.02, 1.2 * Double(gap) / 1e9)
            #expect(rate / line < most, "\(interval): \(rate / line)")
        }
    }

    @Test func `a stream that begins behind a missing segment counts from its first segment on`() {
        let flow = FlowMeter(seconds: 10)
        var line = Line(flow)
        line.holdsFirst = 100
        var look = UInt64(1)
        for tick in UInt64(1)...1_000 {
            let time = tick * 10_000_000
            line.come(at: time)
            while look <= time {
                line.look(at: look)
                look += line.stream.pause
            }
        }
        let reading = flow.received(at: 11 * Self.second)
        for interval in reading.intervals.dropLast() {
            #expect((90...110).contains(interval.bytes / Self.segment), "\(interval)")
        }
    }

    @Test func `silence is no time in which a later segment was on its way`() throws {
        let flow = FlowMeter(seconds: 10)
        var line = Line(flow)
        var look = UInt64(0)
        for tick in UInt64(1)...1_000 {
            let time = tick * 10_000_000
            // 3 s without a segment.
            if !(300..<600).contains(tick) { line.come(at: time) }
            while look <= time {
                line.look(at: look)
                look += line.stream.pause
            }
        }
        let reading = flow.received(at: 11 * Self.second)
        #expect(reading.intervals[4].bytes < Self.segment)
        #expect(reading.intervals[2].bytes >= 95 * Self.segment)
    }
}
