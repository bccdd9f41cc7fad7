internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("CUBIC", .ownThread)
struct CubicTests {
    private static let size = 1_000

    /// A controller, the time, and its round-trip time.
    private struct Flow {
        var cubic = Cubic(datagramSize: CubicTests.size)
        /// Milliseconds.
        var time: Double = 0
        /// Milliseconds.
        var rtt: Double

        var now: Instant { .milliseconds(time) }
        var datagrams: Double { Double(cubic.window) / Double(CubicTests.size) }

        func sample(
            mostInFlight: Int? = nil,
            latest: Double? = nil,
            startsRound: Bool = false,
            isPersistent: Bool = false
        ) -> CongestionSample {
            var roundTrip = RoundTripTime()
            roundTrip.add(Int64(rtt * 1e6), delay: 0)
            return CongestionSample(
                now: now,
                time: roundTrip,
                latest: Int64((latest ?? rtt) * 1e6),
                rate: nil,
                startsRound: startsRound,
                mostInFlight: mostInFlight ?? cubic.window,
                isPersistent: isPersistent,
                inFlight: 0,
                newest: nil
            )
        }

        /// An ACK of bytes that were sent just now. Without a limit the window is used up.
        mutating func acknowledge(
            _ bytes: Int,
            mostInFlight: Int? = nil,
            latest: Double? = nil,
            startsRound: Bool = false
        ) {
            cubic.acknowledged(bytes: bytes, sentAt: now)
            cubic.update(sample(mostInFlight: mostInFlight, latest: latest, startsRound: startsRound))
        }

        mutating func lose(_ count: Int = 1, sentAt: Double) {
            for _ in 0..<count { cubic.lost(.sent(at: .milliseconds(sentAt))) }
            cubic.update(sample())
        }

        /// Grows by slow start until the window has so many datagrams.
        mutating func fill(to datagrams: Int) {
            while cubic.window < datagrams * CubicTests.size {
                acknowledge(min(cubic.window, datagrams * CubicTests.size - cubic.window))
            }
        }

        /// Ten ACKs each round-trip time, each of a tenth of the window.
        mutating func run(seconds: Double) {
            let end = time + seconds * 1_000 - rtt / 20
            while time < end {
                acknowledge(cubic.window / 10)
                time += rtt / 10
            }
        }
    }

    private static func isNear(_ one: Double, _ other: Double) -> Bool { abs(one - other) < 0.01 + other * 1e-5 }

    // MARK: Slow start and reduction

    @Test func `the window begins with ten datagrams and grows by what is acknowledged`() {
        var flow = Flow(rtt: 50)
        #expect(flow.cubic.window == 10_000)
        flow.acknowledge(1_500)
        #expect(flow.cubic.window == 11_500)
        #expect(flow.cubic.isInSlowStart)
    }

    @Test func `a loss reduces the window to 0_7, once for all packets sent before`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.time = 100
        flow.lose(sentAt: 60)
        #expect(flow.cubic.window == 70_000)
        #expect(flow.cubic.slowStartThreshold == 70_000)
        flow.time = 120
        flow.lose(5, sentAt: 100)
        #expect(flow.cubic.window == 70_000)
        flow.time = 160
        flow.lose(sentAt: 101)
        #expect(flow.cubic.window == 49_000)
    }

    @Test func `packets sent before the reduction do not enlarge the window`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.time = 100
        flow.lose(sentAt: 60)
        flow.cubic.acknowledged(bytes: 10_000, sentAt: .milliseconds(100))
        flow.cubic.update(flow.sample())
        #expect(flow.cubic.window == 70_000)
        flow.time = 200
        flow.acknowledge(10_000)
        #expect(flow.cubic.window > 70_000)
    }

    @Test func `the window is two datagrams at least and 65 536 at most`() {
        var flow = Flow(rtt: 50)
        for round in 0..<20 {
            flow.time += 100
            flow.lose(sentAt: Double(round) * 100 + 50)
        }
        #expect(flow.cubic.window == 2_000)
        var fast = Flow(rtt: 50)
        for _ in 0..<20 { fast.acknowledge(fast.cubic.window) }
        #expect(fast.cubic.window == 65_536_000)
    }

    @Test func `a larger datagram raises the least window`() {
        var flow = Flow(rtt: 50)
        for round in 0..<20 {
            flow.time += 100
            flow.lose(sentAt: Double(round) * 100 + 50)
        }
        flow.cubic.datagramSize = 9_000
        #expect(flow.cubic.window == 18_000)
    }

    // MARK: Growth. The windows are those of an independent model in Python, which computes RFC 9438, section 4, in
    // datagrams: ten ACKs a round-trip time, windows after each fifth of the time.

    @Test func `after a loss the window follows the cubic function back to its maximum and beyond`() {
        var flow = Flow(rtt: 100)
        flow.fill(to: 1_000)
        flow.time = 1_000
        flow.lose(sentAt: 950)
        #expect(flow.cubic.window == 700_000)
        flow.time = 1_100
        for expected in [947.332_067, 999.475_823, 1_009.932_404, 1_132.301_807, 1_520.184_073] {
            flow.run(seconds: 4)
            #expect(Self.isNear(flow.datagrams, expected))
        }
    }

    @Test func `a second loss below the first maximum lowers the maximum further`() {
        var flow = Flow(rtt: 100)
        flow.fill(to: 1_200)
        flow.time = 1_000
        flow.lose(sentAt: 950)
        flow.time = 1_100
        while flow.datagrams < 1_000 {
            flow.acknowledge(min(flow.cubic.window / 10, 100))
            flow.time += 10
        }
        let before = flow.datagrams
        #expect(abs(before - 1_000) < 0.05)
        flow.lose(sentAt: flow.time)
        flow.time += 100
        for expected in [836.718_726, 850.204_117, 893.977_565, 1_121.639_091, 1_686.788_699] {
            flow.run(seconds: 4)
            // The window at the loss was not exactly 1000.
            #expect(abs(flow.datagrams - expected) < 0.5)
        }
    }

    @Test func `on a short path the window grows as that of Reno`() {
        var flow = Flow(rtt: 20)
        flow.fill(to: 20)
        flow.time = 1_000
        flow.lose(sentAt: 980)
        flow.time = 1_020
        for expected in [48.631_452, 88.630_796, 128.630_548, 168.630_418, 208.630_338] {
            flow.run(seconds: 0.8)
            #expect(Self.isNear(flow.datagrams, expected))
        }
    }

    @Test func `after slow start without a loss the window grows from where it is`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        // The time grows from 50 to 60 ms, and stays: five rounds of conservative slow start, and its end.
        flow.rtt = 50
        var rounds = 0
        while flow.cubic.isInSlowStart {
            for index in 0..<10 {
                flow.acknowledge(1, latest: rounds == 0 ? 50 : 60, startsRound: index == 0)
            }
            rounds += 1
        }
        #expect(rounds == 7)
        let before = flow.cubic.window
        flow.time = 1_000
        for expected in [115.998_637, 131.997_589, 147.996_768, 163.996_107, 179.995_564] {
            flow.run(seconds: 0.8)
            #expect(abs(flow.datagrams - expected - Double(before) / 1_000 + 100) < 0.05)
        }
    }

    // MARK: Windows that are not used

    @Test func `a window that is not used up does not grow`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.acknowledge(10_000, mostInFlight: 50_000)
        #expect(flow.cubic.window == 100_000)
        flow.acknowledge(10_000, mostInFlight: 50_001)
        #expect(flow.cubic.window == 110_000)
        flow.time = 100
        flow.lose(sentAt: 90)
        flow.time = 200
        flow.acknowledge(10_000, mostInFlight: 67_000)
        #expect(flow.cubic.window == 77_000)
        flow.acknowledge(10_000, mostInFlight: 68_000)
        #expect(flow.cubic.window > 77_000)
    }

    @Test func `time in which the window was not used up does not count`() {
        func window(pause: Double, isIdle: Bool) -> Int {
            var flow = Flow(rtt: 100)
            flow.fill(to: 1_000)
            flow.time = 1_000
            flow.lose(sentAt: 950)
            flow.time = 1_100
            flow.run(seconds: 2)
            if isIdle {
                flow.time += pause
                flow.cubic.sent(inFlight: 0, now: flow.now)
            } else {
                let end = flow.time + pause
                while flow.time < end {
                    flow.acknowledge(1_000, mostInFlight: 10_000)
                    flow.time += 10
                }
            }
            flow.run(seconds: 1)
            return flow.cubic.window
        }
        let expected = window(pause: 0, isIdle: false)
        #expect(abs(window(pause: 30_000, isIdle: false) - expected) < 2_000)
        #expect(abs(window(pause: 30_000, isIdle: true) - expected) < 2_000)
        #expect(expected < 950_000)
    }

    // MARK: Persistent congestion and late packets

    @Test func `persistent congestion leaves two datagrams and slow start up to 0_7 of the old window`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.time = 5_000
        flow.cubic.lost(.sent(at: .milliseconds(1_000)))
        flow.cubic.lost(.sent(at: .milliseconds(4_000)))
        flow.cubic.update(flow.sample(isPersistent: true))
        #expect(flow.cubic.window == 2_000)
        #expect(flow.cubic.isInSlowStart)
        // An old packet does not count again.
        flow.time = 5_010
        flow.lose(sentAt: 4_900)
        #expect(flow.cubic.slowStartThreshold == 70_000)
        flow.time = 5_100
        flow.fill(to: 70)
        #expect(!flow.cubic.isInSlowStart)
        // Then it grows from there: K is 0.
        flow.run(seconds: 1)
        // By one datagram a round-trip time.
        #expect(abs(flow.datagrams - 90) < 0.5)
    }

    @Test func `when all lost packets of an event arrive late, the window is what it was`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.time = 100
        flow.lose(2, sentAt: 60)
        flow.time = 110
        flow.lose(sentAt: 90)
        for sentAt in [60.0, 60, 90] {
            #expect(flow.cubic.window == 70_000)
            flow.cubic.acknowledgedAfterLoss(sentAt: .milliseconds(sentAt))
            flow.cubic.update(flow.sample())
        }
        #expect(flow.cubic.window == 100_000)
        #expect(flow.cubic.isInSlowStart)
        // A true loss counts again.
        flow.lose(sentAt: 95)
        #expect(flow.cubic.window == 70_000)
    }

    @Test func `a late packet of an earlier event does not undo a later one`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        flow.time = 100
        flow.lose(sentAt: 60)
        flow.time = 200
        flow.lose(sentAt: 150)
        #expect(flow.cubic.window == 49_000)
        flow.cubic.acknowledgedAfterLoss(sentAt: .milliseconds(60))
        flow.cubic.update(flow.sample())
        #expect(flow.cubic.window == 49_000)
        flow.cubic.acknowledgedAfterLoss(sentAt: .milliseconds(150))
        flow.cubic.update(flow.sample())
        #expect(flow.cubic.window == 70_000)
    }

    // MARK: Rates and arithmetic

    @Test func `packets are paced at 2 windows a round-trip time in slow start, then at 1_25`() {
        var flow = Flow(rtt: 50)
        flow.fill(to: 100)
        #expect(flow.cubic.pacingRate(flow.sample().time) == 2 * 100_000 / 0.05)
        flow.time = 100
        flow.lose(sentAt: 60)
        #expect(flow.cubic.pacingRate(flow.sample().time) == 1.25 * 70_000 / 0.05)
    }

    @Test func `cube roots are exact to twelve digits`() {
        let roots = [(1e-6, 0.01), (0.3, 0.669_432_950_082), (1, 1), (7, 1.912_931_182_772), (27, 3), (1e15, 1e5)]
        for (x, root) in roots { #expect(abs(Cubic.cubeRoot(x) - root) < root * 1e-12) }
    }
}
