internal import OwnThread
internal import Testing

@testable import FileTransfer

/// The parts of BBR's model, each by itself.
@Suite("BBR's model", .ownThread)
struct BbrModelTests {
    // MARK: Bandwidth

    @Test func `the largest rate of two cycles counts, and a cycle without a sample changes nothing`() {
        var filter = BandwidthFilter()
        filter.add(100)
        filter.add(80)
        #expect(filter.bandwidth == 100)
        filter.advance()
        filter.add(60)
        #expect(filter.bandwidth == 100)
        filter.advance()
        #expect(filter.bandwidth == 60)
        filter.advance()
        filter.advance()
        #expect(filter.bandwidth == 60)
    }

    @Test func `the pipe is full after three rounds without growth by a quarter`() {
        var pipe = PipeEstimator()
        pipe.update(rate: 100)
        pipe.update(rate: 125)
        pipe.update(rate: 156)
        pipe.update(rate: 156)
        #expect(!pipe.isFull)
        pipe.update(rate: 100)
        #expect(pipe.isFull)
        #expect(pipe.wasFilled)
        pipe.reset()
        #expect(!pipe.isFull)
        #expect(pipe.wasFilled)
    }

    // MARK: Round-trip time

    @Test func `the least time is kept for ten seconds, and a probe is due after five`() {
        var filter = MinimumRoundTrip()
        filter.update(latest: 50, now: .milliseconds(0))
        filter.update(latest: 60, now: .milliseconds(5_000))
        #expect(!filter.isProbeDue)
        filter.update(latest: 70, now: .milliseconds(5_001))
        #expect(filter.isProbeDue)
        #expect(filter.minimum == 50)
        filter.update(latest: 65, now: .milliseconds(10_000))
        #expect(filter.minimum == 50)
        filter.update(latest: 70, now: .milliseconds(10_001))
        #expect(filter.minimum == 65)
        filter.update(latest: 40, now: .milliseconds(10_002))
        #expect(filter.minimum == 40)
    }

    @Test func `a round has a queue if its least time is a tenth and 1 ms above the path's`() {
        var queue = QueueDetector()
        func round(_ times: Int64...) -> Bool {
            for time in times { queue.add(time * 1_000) }
            queue.endRound()
            return queue.isPresent(minimum: 50_000_000)
        }
        #expect(!round(56_000))
        #expect(round(56_001, 70_000))
        #expect(!round(70_000, 51_000))
        #expect(!queue.isPresent(minimum: nil))
        #expect(round(90_000))
        // A round without a measurement.
        queue.endRound()
        #expect(queue.isPresent(minimum: 50_000_000))
    }

    // MARK: Aggregation

    @Test func `what is acknowledged beyond the rate is extra, and forgotten after ten rounds`() {
        var aggregation = AcknowledgmentAggregation()
        func acknowledge(_ bytes: Double, at time: Double, round: UInt64) {
            aggregation.update(
                newlyAcknowledged: bytes,
                bandwidth: 1_000_000,
                window: 50_000,
                round: round,
                isShort: false,
                now: .milliseconds(time)
            )
        }
        acknowledge(1_000, at: 0, round: 0)
        #expect(aggregation.extra == 1_000)
        // 20 ms are 20 000 bytes; they come at once, and begin a new interval.
        acknowledge(20_000, at: 20, round: 0)
        #expect(aggregation.extra == 20_000)
        // Of 15 000 more in 5 ms, 10 000 are extra.
        acknowledge(15_000, at: 25, round: 1)
        #expect(aggregation.extra == 30_000)
        acknowledge(100_000, at: 26, round: 1)
        #expect(aggregation.extra == 50_000)
        for round in 2..<20 as Range<UInt64> { acknowledge(1_000, at: 200 * Double(round), round: round) }
        #expect(aggregation.extra == 1_000)
    }

    // MARK: Losses

    @Test func `before it is measured a path may lose 10 percent, then 2 percent and twice what it loses anyway`() {
        var loss = BaseLoss()
        var delivered: UInt64 = 0
        func round(lost: Int, counts: Bool = true) {
            loss.lost(bytes: lost)
            delivered += UInt64(1_000 - lost)
            loss.endRound(delivered: delivered, counts: counts)
        }
        #expect(loss.threshold == 0.1)
        round(lost: 500, counts: false)
        #expect(loss.threshold == 0.1)
        round(lost: 10)
        #expect(abs(loss.threshold - 0.04) < 1e-9)
        for _ in 0..<50 { round(lost: 0) }
        #expect(abs(loss.threshold - 0.02) < 1e-4)
        // One bad round says little.
        round(lost: 160)
        #expect(abs(loss.threshold - 0.04) < 1e-4)
        for _ in 0..<100 { round(lost: 60) }
        #expect(loss.threshold == 0.1)
    }

    @Test func `two slow rounds with a queue lower the rate, and it comes back if the queue stays`() {
        var detector = RateDropDetector()
        func round(_ rate: Double?, queue: Bool) -> RateDropDetector.Verdict {
            detector.endRound(rate: rate, bandwidth: 100, hasQueue: queue)
        }
        #expect(round(79, queue: true) == .none)
        #expect(round(80, queue: true) == .none)
        #expect(round(79, queue: true) == .none)
        // Neither a round without a queue nor one of an application with little to send.
        #expect(round(50, queue: false) == .none)
        #expect(round(nil, queue: true) == .none)
        #expect(round(79, queue: true) == .dropped)
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: true) == .restored(100))
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: false) == .none)
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: true) == .dropped)
        #expect(round(50, queue: false) == .none)
        #expect(round(50, queue: true) == .none)
        #expect(round(50, queue: true) == .dropped)
    }

    @Test func `an episode was spurious when all its packets were late, and only those`() {
        var episode = LossEpisode()
        func lose(sentAt: Double, now: Double) {
            _ = episode.lost(
                sentAt: .milliseconds(sentAt),
                LossEpisode.Saved(shortTermBandwidth: 1, shortTermInFlight: 2, longTermInFlight: 3)
            )
            episode.begin(now: .milliseconds(now))
        }
        lose(sentAt: 0, now: 50)
        lose(sentAt: 10, now: 60)
        episode.wasLate(sentAt: .milliseconds(0))
        #expect(!episode.isSpurious)
        episode.wasLate(sentAt: .milliseconds(10))
        #expect(episode.isSpurious)
        episode.wasUndone()
        #expect(!episode.isSpurious)
        lose(sentAt: 55, now: 100)
        // Of the episode before.
        episode.wasLate(sentAt: .milliseconds(20))
        #expect(!episode.isSpurious)
        episode.wasLate(sentAt: .milliseconds(55))
        #expect(episode.isSpurious)
        let ends = [100, 101, 102].map { episode.ends(sentAt: .milliseconds($0)) }
        #expect(ends == [false, true, false])
    }

    @Test func `probes come after 62 or 63 rounds or after two to three seconds at random`() {
        var random = ProbeRandom()
        random.seedIfNeeded(.milliseconds(7))
        let shares = (0..<1_000).map { _ in random.share() }
        #expect(shares.allSatisfy { (0..<1).contains($0) })
        #expect(abs(shares.reduce(0, +) / 1_000 - 0.5) < 0.05)
        let bits = (0..<1_000).map { _ in random.bit() }
        #expect(bits.allSatisfy { $0 <= 1 })
        #expect((400...600).contains(bits.reduce(0, +)))
        var other = ProbeRandom()
        other.seedIfNeeded(.milliseconds(8))
        let share = other.share()
        #expect(share != shares[0])
    }
}
