internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("The search for the largest datagram of a path", .ownThread)
struct PathMTUTests {
    /// Answers probes until the search is complete; returns their sizes.
    private func search(_ mtu: inout PathMTU, largest: Int, now: Instant = Instant(nanoseconds: 0)) -> [Int] {
        var sizes: [Int] = []
        while sizes.count < 100 {
            let size = mtu.probe(now: now)
            if size == 0 { return sizes }
            sizes.append(size)
            let number = mtu.sendsProbe()
            #expect(mtu.probe(now: now) == 0, "two probes at once")
            if size <= largest { mtu.acknowledged(number) } else { mtu.lost(number) }
        }
        return sizes
    }

    @Test(arguments: [1_201, 1_232, 1_452, 1_472, 8_972])
    func `the first probe has the route's size, and nothing follows if it arrives`(_ route: Int) {
        var mtu = PathMTU(limit: 8_972, route: route)
        #expect(mtu.size == 1_200)
        #expect(search(&mtu, largest: route) == [route])
        #expect(mtu.size == route)
    }

    @Test func `a route of 1200 bytes, or a peer that takes no more, needs no probe`() {
        var mtu = PathMTU(limit: 8_972, route: 1_200)
        #expect(search(&mtu, largest: 8_972).isEmpty)
        var other = PathMTU(limit: 1_200, route: 8_972)
        #expect(search(&other, largest: 8_972).isEmpty)
        let later = Instant(nanoseconds: 1_000_000_000_000)
        #expect(search(&other, largest: 8_972, now: later).isEmpty)
    }

    @Test(arguments: [1_200, 1_201, 1_232, 1_252, 1_300, 1_452, 1_472, 1_473, 4_000, 8_000, 8_971])
    func `a smaller path is found within 16 bytes, with three probes of each size that fails`(_ largest: Int) {
        var mtu = PathMTU(limit: 8_972, route: 8_972)
        let sizes = search(&mtu, largest: largest)
        #expect((largest - PathMTU.precision...largest).contains(mtu.size))
        #expect(sizes.count <= 40)
        #expect(sizes[3] == 1_472)
        for size in sizes where size > largest { #expect(sizes.count(where: { $0 == size }) == 3) }
    }

    @Test func `a probe that is lost once is repeated`() {
        var mtu = PathMTU(limit: 8_972, route: 1_472)
        let now = Instant(nanoseconds: 0)
        #expect(mtu.probe(now: now) == 1_472)
        mtu.lost(mtu.sendsProbe())
        #expect(mtu.probe(now: now) == 1_472)
        mtu.acknowledged(mtu.sendsProbe())
        #expect(mtu.size == 1_472)
    }

    @Test func `a minute later the search goes on up to what the peer takes`() {
        var mtu = PathMTU(limit: 8_972, route: 1_472)
        let start = Instant(nanoseconds: 5)
        #expect(search(&mtu, largest: 1_472, now: start) == [1_472])
        #expect(search(&mtu, largest: 8_972, now: start + 59_999_999_999).isEmpty)
        #expect(search(&mtu, largest: 8_972, now: start + 60_000_000_000) == [8_972])
        #expect(mtu.size == 8_972)
    }

    @Test func `a size that this machine refuses is not tried again, and falls back if it was used`() {
        var mtu = PathMTU(limit: 8_972, route: 8_972)
        let now = Instant(nanoseconds: 0)
        #expect(mtu.probe(now: now) == 8_972)
        let number = mtu.sendsProbe()
        mtu.refused(8_972)
        #expect(mtu.probe(now: now) == 1_472)
        // Its loss is noticed later, and says nothing about the next one.
        let next = mtu.sendsProbe()
        mtu.lost(number)
        #expect(mtu.probe(now: now) == 0)
        mtu.acknowledged(next)
        #expect(mtu.size == 1_472)
        mtu.refused(1_472)
        #expect(mtu.size == 1_200)
        #expect(search(&mtu, largest: 1_300).allSatisfy { $0 < 1_472 })
        mtu.refused(1_200)
        #expect(mtu.size > 1_280)
    }

    @Test func `after a black hole the size is 1200, and smaller ones than before are tried`() {
        var mtu = PathMTU(limit: 8_972, route: 8_972)
        _ = search(&mtu, largest: 8_972)
        mtu.fellIntoBlackHole()
        #expect(mtu.size == 1_200)
        #expect(search(&mtu, largest: 1_472).first == 1_472)
        #expect(mtu.size == 1_472)
        mtu.fellIntoBlackHole()
        let sizes = search(&mtu, largest: 1_280)
        #expect(sizes.allSatisfy { $0 < 1_472 })
        #expect((1_264...1_280).contains(mtu.size))
    }

    @Test func `probes of an earlier path say nothing about a later one`() {
        var earlier = PathMTU(limit: 8_972, route: 8_972)
        _ = earlier.probe(now: Instant(nanoseconds: 0))
        let old = earlier.sendsProbe()
        var mtu = PathMTU(limit: 8_972, route: 8_972, after: earlier)
        _ = mtu.probe(now: Instant(nanoseconds: 0))
        _ = mtu.sendsProbe()
        mtu.acknowledged(old)
        #expect(mtu.size == 1_200)
    }
}
