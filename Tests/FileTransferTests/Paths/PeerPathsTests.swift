internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("The addresses of a session's peer", .ownThread)
struct PeerPathsTests {
    private let start = Instant(nanoseconds: 0)

    @Test func `only the newest packet makes a candidate, and only four addresses are kept`() {
        var paths = PeerPaths()
        let old = paths.received(100, from: nil, isSameHost: false, isNewest: false, now: start)
        #expect(old == nil)
        #expect(paths.isQuiet)
        var places: [Int?] = []
        for index in 0..<100 as Range<Int64> {
            places.append(paths.received(100, from: nil, isSameHost: false, isNewest: true, now: start + index))
            #expect(paths.count == min(Int(index) + 1, 3))
        }
        // The oldest one goes; the session's own stays.
        #expect(places.prefix(7) == [1, 2, 3, 1, 2, 3, 1])
        #expect(paths.current == 0 && paths.holds(0))
    }

    @Test func `a candidate gets at most four challenges and three times the bytes that came`() {
        for (received, packets) in [(20, 0), (21, 1), (400, 1), (500, 2), (100_000, 4)] {
            var paths = PeerPaths()
            _ = paths.received(received, from: nil, isSameHost: false, isNewest: true, now: start)
            var sizes: [Int] = []
            for step in 0..<3_000 as Range<Int64> {
                while let (id, packet) = paths.next(now: start + step * 1_000_000) {
                    #expect(id == 1 && packet.type == .pathChallenge)
                    sizes.append(packet.size)
                }
            }
            #expect(sizes.count == packets, "\(received)")
            #expect(sizes.reduce(0, +) <= 3 * received)
            #expect(sizes.allSatisfy { $0 <= 1_200 && $0 >= PathToken.leastPacket })
        }
    }

    @Test func `a candidate that does not answer is forgotten after three seconds`() {
        var paths = PeerPaths()
        let id = paths.received(1_000, from: nil, isSameHost: false, isNewest: true, now: start)
        #expect(id == 1)
        while paths.next(now: start) != nil {}
        #expect(paths.nextDeadline == start + 250_000_000)
        paths.expire(now: start + 2_999_999_999)
        #expect(paths.holds(1))
        paths.expire(now: start + 3_000_000_000)
        #expect(!paths.holds(1) && paths.isQuiet && paths.nextDeadline == nil)
    }

    @Test func `only the right bytes from the challenged address validate it`() throws {
        var paths = PeerPaths()
        for _ in 0..<2 { _ = paths.received(9_000, from: nil, isSameHost: false, isNewest: true, now: start) }
        let (one, other) = (paths.next(now: start), paths.next(now: start))
        let first = try #require(one)
        let second = try #require(other)
        #expect((first.id, second.id) == (1, 2))
        #expect(first.packet.token.random != second.packet.token.random)
        paths.answered(first.packet.token, on: nil)
        paths.answered(first.packet.token, on: 2)
        paths.answered(PathToken(random: 0, path: 1), on: 1)
        #expect(paths[1]?.isValidated == false && paths[2]?.isValidated == false)
        paths.answered(first.packet.token, on: 1)
        #expect(paths[1]?.isValidated == true)
    }

    @Test func `after a move the old address is challenged, and another index is used`() throws {
        var paths = PeerPaths()
        _ = paths.received(100, from: nil, isSameHost: false, isNewest: true, now: start)
        paths.migrate(to: 1, isSameHost: false, now: start)
        #expect(paths.current == 1 && paths.connectionIndex == 1 && paths.count == 1)
        let next = paths.next(now: start)
        let challenge = try #require(next)
        #expect(challenge.id == 0 && challenge.packet.size == 1_200 && challenge.packet.token.path == 2)
    }

    @Test func `each move takes the next connection ID, the last one stays until the next epoch`() {
        var paths = PeerPaths()
        for step in 1...9 {
            let id = paths.received(9_000, from: nil, isSameHost: false, isNewest: true, now: start)
            guard let id else { return }
            paths.migrate(to: id, isSameHost: false, now: start)
            #expect(paths.connectionIndex == min(step, 7) && paths.needsEpoch == (step >= 4))
        }
        paths.beganEpoch()
        #expect(paths.connectionIndex == 0 && paths.nextIndex == 1 && !paths.needsEpoch)
    }
}
