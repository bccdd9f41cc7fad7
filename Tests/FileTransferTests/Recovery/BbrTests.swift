internal import OwnThread
internal import Testing

@testable import FileTransfer

/// BBR as a controller, over a path of 1 MB/s and 50 ms: 50 000 bytes.
@Suite("BBR", .ownThread)
struct BbrTests {
    private static let size = 1_000

    /// A controller whose packets are acknowledged one by one, each a millisecond after the one before.
    private final class Flow {
        var bbr = Bbr(datagramSize: BbrTests.size)
        /// Milliseconds.
        var time = 0.0
        var rtt = 50.0
        var inFlight = 50_000
        var delivered: UInt64 = 0
        var sequence: UInt32 = 0

        var now: Instant { .milliseconds(time) }

        func sample(_ newest: PacketHistory?, rate: Double = 1_000_000, isPersistent: Bool = false) -> CongestionSample
        {
            var roundTrip = RoundTripTime()
            roundTrip.add(Int64(rtt * 1e6), delay: 0)
            return CongestionSample(
                now: now,
                time: roundTrip,
                latest: newest == nil ? nil : Int64(rtt * 1e6),
                rate: newest.map {
                    RateSample(
                        delivered: UInt64(rate / 20),
                        interval: 50_000_000,
                        priorDelivered: $0.priorDelivered,
                        isApplicationLimited: false
                    )
                },
                startsRound: false,
                mostInFlight: bbr.window,
                isPersistent: isPersistent,
                inFlight: inFlight,
                newest: newest
            )
        }

        private func packet(lost: Int) -> PacketHistory {
            .sent(
                at: .milliseconds(time - rtt),
                sequence: sequence,
                priorDelivered: delivered > 50_000 ? delivered - 50_000 : 0,
                inFlight: 50_000,
                lost: lost
            )
        }

        func acknowledge(_ count: Int = 1, rate: Double = 1_000_000) {
            for _ in 0..<count {
                time += 1
                sequence &+= 1
                let newest = packet(lost: 0)
                delivered += UInt64(BbrTests.size)
                bbr.acknowledged(bytes: BbrTests.size, sentAt: newest.sentAt)
                bbr.update(sample(newest, rate: rate))
            }
        }

        /// Losses of so many bytes of those that were in flight, in runs of one.
        func lose(_ count: Int, of lost: Int) {
            for _ in 0..<count {
                sequence &+= 2
                bbr.lost(packet(lost: lost))
            }
            bbr.update(sample(nil))
        }

        func run(until state: Bbr.State, most: Int = 10_000) -> Bool {
            for _ in 0..<most where bbr.state != state { acknowledge() }
            return bbr.state == state
        }
    }

    @Test func `the window begins with ten datagrams, and the first of them go within a millisecond`() {
        let bbr = Bbr(datagramSize: 1_000)
        #expect(bbr.window == 10_000)
        #expect(abs(bbr.pacingRate(RoundTripTime()) - 27_700_000) < 1)
        var time = RoundTripTime()
        time.add(50_000_000, delay: 0)
        #expect(abs(bbr.pacingRate(time) - 554_000) < 1)
    }

    @Test func `startup ends after three rounds at one rate, and drains`() {
        let flow = Flow()
        flow.acknowledge(60)
        #expect(flow.bbr.state == .startup)
        #expect(abs(flow.bbr.pacing - 2.77 * 0.99 * 1_000_000) < 1)
        flow.inFlight = 60_000
        #expect(flow.run(until: .drain, most: 200))
        #expect(abs(flow.bbr.pacing - 0.5 * 0.99 * 1_000_000) < 1)
        flow.acknowledge()
        #expect(flow.bbr.state == .drain)
        flow.inFlight = 50_000
        flow.acknowledge()
        // No more than the path holds is in flight: that ends down, too.
        #expect(flow.bbr.state == .cruise)
    }

    @Test func `the cycle goes from down by cruise and refill to up, and down again when the rate does not grow`() {
        let flow = Flow()
        #expect(flow.run(until: .down))
        #expect(abs(flow.bbr.pacing - 0.9 * 0.99 * 1_000_000) < 1)
        #expect(flow.run(until: .cruise))
        let start = flow.time
        #expect(abs(flow.bbr.pacing - 0.99 * 1_000_000) < 1)
        #expect(flow.run(until: .refill))
        // 49 or 50 rounds: as many as Reno would need, for 50 datagrams.
        #expect((1_990...3_100).contains(flow.time - start))
        #expect(flow.run(until: .up, most: 60))
        #expect(abs(flow.bbr.pacing - 1.25 * 0.99 * 1_000_000) < 1)
        #expect(flow.run(until: .down, most: 300))
    }

    @Test func `the window is twice what the path holds, and what comes together on top`() {
        let flow = Flow()
        #expect(flow.run(until: .cruise))
        #expect((100_000...102_000).contains(flow.bbr.window))
    }

    @Test func `every five seconds little is in flight for 200 ms, unless the time is seen again`() {
        let flow = Flow()
        #expect(flow.run(until: .cruise))
        flow.rtt = 51
        #expect(flow.run(until: .probeRoundTrip))
        #expect((5_000...5_200).contains(flow.time))
        #expect(flow.bbr.holdsBack)
        #expect(flow.bbr.window == 25_000)
        let start = flow.time
        for _ in 0..<400 where flow.bbr.state == .probeRoundTrip {
            flow.time += 1
            flow.delivered += 1_000
            flow.bbr.acknowledged(bytes: 1_000, sentAt: flow.now)
            var sample = flow.sample(.sent(at: flow.now, priorDelivered: flow.delivered - 1_000))
            sample.inFlight = 25_000
            flow.bbr.update(sample)
        }
        #expect(flow.bbr.state == .cruise)
        #expect((200...210).contains(flow.time - start))
        #expect(flow.bbr.window > 90_000)
    }

    // MARK: Losses

    @Test func `without a queue losses lower no short-term bound, with one they do`() {
        let flow = Flow()
        #expect(flow.run(until: .cruise))
        flow.acknowledge(100)
        flow.lose(2, of: 2_000)
        flow.acknowledge(120)
        #expect(flow.bbr.shortTermBandwidth == .infinity)
        flow.rtt = 60
        flow.acknowledge(120)
        for _ in 0..<3 {
            flow.lose(2, of: 2_000)
            flow.acknowledge(60, rate: 850_000)
        }
        #expect(flow.bbr.shortTermBandwidth < 1_000_000)
        #expect(flow.bbr.shortTermBandwidth >= 700_000)
        #expect(flow.bbr.window < 100_000)
        // The bounds go with the queue.
        flow.rtt = 50
        flow.acknowledge(120)
        #expect(flow.bbr.shortTermBandwidth == .infinity)
    }

    @Test func `a probe that loses too much ends, and bounds what is in flight`() {
        let flow = Flow()
        #expect(flow.run(until: .up))
        flow.lose(1, of: 1_000)
        #expect(flow.bbr.state == .up)
        flow.lose(8, of: 8_000)
        #expect(flow.bbr.state == .down)
        #expect((42_000...50_000).contains(flow.bbr.longTermInFlight))
        flow.acknowledge()
        #expect(Double(flow.bbr.window) <= flow.bbr.longTermInFlight)
    }

    @Test func `a probe goes on if its losses were late packets only`() {
        let flow = Flow()
        #expect(flow.run(until: .up))
        flow.lose(8, of: 8_000)
        #expect(flow.bbr.state == .down)
        for _ in 0..<8 { flow.bbr.acknowledgedAfterLoss(sentAt: .milliseconds(flow.time - flow.rtt)) }
        flow.bbr.update(flow.sample(nil))
        #expect(flow.bbr.state == .refill)
        #expect(flow.bbr.longTermInFlight == .infinity)
    }

    @Test func `losses end startup when they are many`() {
        for (count, ends) in [(5, false), (6, true)] {
            let flow = Flow()
            flow.acknowledge(60)
            flow.lose(count, of: 6_000)
            for _ in 0..<60 where flow.bbr.state == .startup {
                flow.time += 1
                flow.delivered += 1_000
                flow.bbr.acknowledged(bytes: 1_000, sentAt: flow.now)
                let prior = flow.delivered - 50_000
                flow.bbr.update(
                    flow.sample(
                        .sent(at: flow.now, priorDelivered: prior, inFlight: 50_000, lost: 6_000),
                        rate: Double(flow.delivered) * 100
                    )
                )
            }
            #expect((flow.bbr.state != .startup) == ends)
        }
    }

    @Test func `persistent congestion leaves a datagram more than is in flight, until one is acknowledged`() {
        let flow = Flow()
        #expect(flow.run(until: .cruise))
        var sample = flow.sample(nil, isPersistent: true)
        sample.inFlight = 0
        flow.bbr.update(sample)
        #expect(flow.bbr.window == 4_000)
    }

    @Test func `the window is never outside of its limits, and follows the datagram's size`() {
        var bbr = Bbr(datagramSize: 1_000)
        bbr.datagramSize = 8_920
        #expect(bbr.window == 4 * 8_920)
        bbr.congestionWindow = 1e12
        bbr.clampWindow()
        #expect(bbr.window == 65_536 * 8_920)
    }

    // MARK: Choice

    @Test(arguments: CongestionControl.Algorithm.allCases)
    func `a session's other paths and restarted ones have the controller of the first`(
        _ algorithm: CongestionControl.Algorithm
    ) {
        var recovery = LossRecovery(CongestionControl(algorithm, datagramSize: 1_472))
        var fates = Fates()
        recovery.openPath(datagramSize: 1_200)
        recovery.restartPath(0, datagramSize: 1_300, handler: &fates)
        #expect(recovery.paths.map { $0.controller.algorithm } == [algorithm, algorithm])
        #expect(recovery.paths.map { $0.datagramSize } == [1_300, 1_200])
        #expect(recovery.paths.map { $0.controller.window } == [13_000, 12_000])
    }

    @Test func `a path remembers for each packet what was in flight and what was lost`() throws {
        let sender = RecoverySender<RecordingController>()
        sender.send(3, at: 0)
        sender.acknowledge(0...0, at: 50)
        let first = try #require(sender.path.controller.samples.last)
        #expect(first.newest == .sent(at: .milliseconds(0), inFlight: 1_000))
        #expect(first.inFlight == 2_000)
        sender.send(4, at: 60)
        // Packets 1, 2 and 3 are lost.
        sender.acknowledge(5...6, 0...0, at: 110)
        let last = try #require(sender.path.controller.samples.last?.newest)
        #expect(last == .sent(at: .milliseconds(60), sequence: 6, priorDelivered: 1_000, inFlight: 6_000, lost: 3_000))
    }
}
