internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Sessions over paths of any MTU", .ownThread)
struct PathMTUSessionTests {
    private func run(
        _ largest: [(from: Int64, bytes: Int)],
        route: Int = SessionParameters.largestDatagram,
        bytes: Int = 2_500_000,
        loss: UInt64 = 0,
        congestion: CongestionControl.Algorithm = .cubic
    ) throws -> (size: Int, tooLarge: Int, seconds: Double) {
        // Some forty round trips.
        var path = SessionPair.Path()
        path.delay = 500_000
        path.receiveBuffer = 60_000
        path.datagramSize = route
        path.largest = largest
        path.loss = loss
        let file = randomBytes(bytes, seed: 5)
        var pair = try SessionPair([file], over: path, seed: 3, congestion: congestion)
        pair.run()
        let isWhole = pair.sink.files[0] == file
        #expect(isWhole)
        let isDone = pair.isDone
        let ends = pair.ends
        #expect(isDone, "\(ends)")
        return (pair.sender.datagramSize, pair.tooLarge, Double(pair.now - pair.start) / 1e9)
    }

    @Test(arguments: [1_200, 1_252, 1_452, 1_472, 8_972], [0, 20] as [UInt64])
    func `the size of a path is found when the route says more`(_ largest: Int, _ loss: UInt64) throws {
        let result = try run([(0, largest)], loss: loss)
        #expect((largest - PathMTU.precision...largest).contains(result.size))
        // Only probes.
        #expect(result.tooLarge <= 60)
    }

    @Test func `the full size is reached in one round trip when the route is right`() throws {
        var path = SessionPair.Path()
        path.datagramSize = 8_972
        var pair = try SessionPair([randomBytes(10_000, seed: 1)], over: path)
        pair.accepts = nil
        pair.run(seconds: 1)
        let size = pair.sender.datagramSize
        #expect(size == 8_972)
        var other = try SessionPair([randomBytes(10_000, seed: 1)], over: path)
        while other.sender.datagramSize < 8_972, other.now - other.start < 1_000_000_000 { other.runOnce() }
        #expect(other.now - other.start <= 21_000_000)
    }

    @Test(arguments: [0, 20] as [UInt64], [1_472, 1_300, 1_200])
    func `a path whose MTU falls in mid-transfer carries the file to its end`(_ loss: UInt64, _ later: Int) throws {
        let result = try run([(0, 8_972), (10_000_000, later)], loss: loss)
        #expect((later - PathMTU.precision...later).contains(result.size))
        #expect(result.seconds < 60)
    }

    @Test func `a path whose MTU rises is used after a minute`() throws {
        var path = SessionPair.Path()
        path.largest = [(0, 1_472), (1_000_000_000, 8_972)]
        var pair = try SessionPair([randomBytes(100_000, seed: 1)], over: path)
        pair.accepts = nil
        pair.run(seconds: 55)
        let before = pair.sender.datagramSize
        #expect(before == 1_472)
        pair.run(seconds: 30)
        let after = pair.sender.datagramSize
        #expect(after == 8_972)
        pair.accepts = true
        pair.run()
        let isDone = pair.isDone
        #expect(isDone)
    }

    @Test(arguments: [CongestionControl.Algorithm.cubic, .bbr], 1...4)
    func `losses that do not depend on the size do not reduce it`(
        _ congestion: CongestionControl.Algorithm,
        _ seed: Int
    ) throws {
        let result = try run([(0, 8_972)], loss: UInt64(seed) * 50, congestion: congestion)
        #expect(result.size == 8_972)
    }

    @Test func `the loss of probes is no sign of congestion`() throws {
        var path = SessionPair.Path()
        path.datagramSize = 8_972
        path.largest = [(0, 1_300)]
        var pair = try SessionPair([randomBytes(1_500_000, seed: 1)], over: path)
        pair.run()
        #expect(pair.tooLarge >= 9)
        // The first slow start never ended by a loss.
        #expect(pair.sender.recovery.paths[0].controller.window > 100_000)
    }

    @Test func `nothing longer goes than what the peer receives`() throws {
        var path = SessionPair.Path()
        path.datagramSize = 8_972
        var pair = try SessionPair([randomBytes(500_000, seed: 1)], over: path, largestDatagram: 1_400)
        pair.run()
        let size = pair.sender.datagramSize
        #expect(size == 1_400)
        let longest = pair.longest
        #expect(longest == 1_400)
    }

    @Test func `a size that the machine refuses is left at once, and the file arrives`() throws {
        var path = SessionPair.Path()
        path.datagramSize = 8_972
        path.delay = 500_000
        path.receiveBuffer = 60_000
        var pair = try SessionPair([randomBytes(2_000_000, seed: 1)], over: path)
        while pair.sender.content.movedBytes < 300_000 { pair.runOnce() }
        pair.sender.wasTooLarge(8_972)
        let size = pair.sender.datagramSize
        #expect(size == 1_200)
        pair.run()
        let isDone = pair.isDone
        #expect(isDone)
        let later = pair.sender.datagramSize
        #expect(later >= 8_972 - PathMTU.precision && later < 8_972)
    }
}
