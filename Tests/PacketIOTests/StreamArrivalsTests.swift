import Glibc
import Testing

@testable import PacketIO

@Suite("What has arrived of a stream") struct StreamArrivalsTests {
    private static let size: UInt32 = 1_448

    /// A receiver whose socket counts segments from a number near its end.
    private struct Line {
        var socket = ReceivedSegments(segments: .max - 5, size: StreamArrivalsTests.size, queued: 0)
        var arrivals: StreamArrivals
        var read = 0

        init() { arrivals = StreamArrivals(from: socket) }

        /// `count` segments came, of which `held` wait behind one that is missing.
        mutating func come(_ count: Int, held: Int = 0) -> Int {
            socket.segments &+= UInt32(count)
            // The kernel's memory for a segment of 1 448 bytes.
            socket.queued = UInt32(held * 2_304)
            return arrivals.look(read: read, socket)
        }
    }

    @Test func `bytes count as they are read where nothing is held back`() {
        var line = Line()
        for _ in 0..<20 {
            line.read += 2 * 1_448
            #expect(line.come(2) == 2 * 1_448)
        }
        #expect(line.come(0) == 0)
    }

    @Test func `segments behind a missing one count as they come, and not again when it has come`() {
        var line = Line()
        line.read = 1_448
        #expect(line.come(1) == 1_448)
        for held in 1...10 { #expect(line.come(1, held: held) == 1_448) }
        // The missing one gives out all of them.
        line.read += 11 * 1_448
        #expect(line.come(1) == 1_448)
        line.read += 1_448
        #expect(line.come(1) == 1_448)
    }

    @Test func `a segment that came twice counts once`() {
        var line = Line()
        line.read = 10 * 1_448
        #expect(line.come(15) == 10 * 1_448)
        // The five of before are known when the next is missing.
        #expect(line.come(1, held: 1) == 1_448)
        #expect(line.come(1, held: 2) == 1_448)
    }

    @Test func `no more is held back than the kernel has memory for`() {
        var line = Line()
        line.read = 1_448
        _ = line.come(1)
        #expect(line.come(500, held: 1) <= 2_304)
    }

    @Test func `what is not TCP, or not known, counts as it is read`() {
        var arrivals = StreamArrivals(from: nil)
        #expect(arrivals.look(read: 100, nil) == 100)
        #expect(arrivals.look(read: 100, nil) == 0)
        #expect(arrivals.look(read: 250, nil) == 150)
        let pipe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(pipe) }
        #expect(ReceivedSegments(of: pipe) == nil)
        #expect(ReceivedSegments(of: -1) == nil)
    }
}
