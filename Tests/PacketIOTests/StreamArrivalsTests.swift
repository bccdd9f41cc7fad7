internal import Glibc
internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite("What has arrived of a stream", .ownThread) struct StreamArrivalsTests {
    private static let size: UInt32 = 1_448

    /// A receiver whose socket counts segments from a number near its end, and has half an unread segment.
    private struct Line {
        var socket = ReceivedSegments(
            inOrder: 5_000,
            unread: 724,
            segments: .max - 5,
            outOfOrder: .max - 2,
            size: StreamArrivalsTests.size,
            queued: 2_304
        )
        var arrivals: StreamArrivals
        var read = 0

        init() { arrivals = StreamArrivals(from: socket) }

        /// Segments came, after which `held` wait behind one that is missing and everything else was read.
        /// - Parameters:
        ///   - ordered: those after which nothing was missing in front of them.
        ///   - behind: those behind one that is missing.
        ///   - again: those that had come before.
        ///   - released: those that had waited for the last of `ordered`.
        mutating func come(_ ordered: Int, behind: Int = 0, again: Int = 0, released: Int = 0, held: Int = 0) -> Int {
            socket.inOrder += UInt64((ordered + released) * 1_448)
            socket.segments &+= UInt32(ordered + behind + again)
            socket.outOfOrder &+= UInt32(behind)
            read = Int(socket.inOrder) - 5_000 + 724
            socket.unread = 0
            // Where the kernel joins them they take no more than their bytes.
            socket.queued = UInt32(held * 1_448)
            return arrivals.look(read: read, socket)
        }
    }

    @Test func `bytes count as they come where nothing is held back`() {
        var line = Line()
        // What was there when the stream began belongs to it.
        #expect(line.come(2) == 2 * 1_448 + 724)
        for _ in 0..<20 { #expect(line.come(2) == 2 * 1_448) }
        #expect(line.come(0) == 0)
    }

    @Test func `a look that is older than the one before changes nothing`() {
        var line = Line()
        let old = line.socket
        _ = line.come(10)
        #expect(line.arrivals.look(read: line.read, old) == 0)
        #expect(line.come(2) == 2 * 1_448)
    }

    @Test func `bytes that no read has taken yet have arrived`() {
        var line = Line()
        line.socket.inOrder += 10 * 1_448
        line.socket.segments &+= 10
        line.socket.unread += 10 * 1_448
        line.socket.queued += 10 * 2_304
        #expect(line.arrivals.look(read: 0, line.socket) == 724 + 10 * 1_448)
        #expect(line.arrivals.look(read: 10 * 1_448, line.socket) == 0)
    }

    @Test func `segments behind a missing one count as they come, and not again when it has come`() {
        var line = Line()
        #expect(line.come(1) == 1_448 + 724)
        for held in 1...10 { #expect(line.come(0, behind: 1, held: held) == 1_448) }
        // There is a second gap behind four of them.
        #expect(line.come(1, released: 4, held: 6) == 1_448)
        #expect(line.come(0, behind: 1, held: 7) == 1_448)
        // The other gives out all of them.
        #expect(line.come(1, released: 7) == 1_448)
        #expect(line.come(1) == 1_448)
    }

    @Test func `a segment that came twice counts once`() {
        var line = Line()
        #expect(line.come(10, again: 5) == 10 * 1_448 + 724)
        // Also while others are held back.
        #expect(line.come(0, behind: 1, held: 1) == 1_448)
        #expect(line.come(0, again: 3, held: 1) == 0)
        #expect(line.come(0, behind: 1, held: 2) == 1_448)
        #expect(line.come(1, released: 2) == 1_448)
    }

    @Test func `no more is held back than the kernel has memory for`() {
        var line = Line()
        _ = line.come(1)
        #expect(line.come(0, behind: 500, held: 1) == 1_448)
        // What it has not given out is in that memory too.
        line.socket.inOrder += 1_448
        line.socket.unread = 1_448
        line.socket.segments &+= 501
        line.socket.outOfOrder &+= 500
        line.socket.queued = 3 * 1_448
        #expect(line.arrivals.look(read: line.read, line.socket) == 2 * 1_448)
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
