internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Loss recovery", .ownThread)
struct LossRecoveryTests {
    private let sender = RecoverySender<RecordingController>()

    // MARK: Acknowledgment

    @Test func `each packet is acknowledged once, with the frame that it carried`() {
        sender.send(5)
        sender.acknowledge(3...4, 0...1, at: 50)
        #expect(sender.fates.acknowledged == [3, 4, 0, 1])
        #expect(sender.fates.frames[3] == SentFrame(.data, stream: 3, offset: 21, length: 948))
        sender.acknowledge(0...4, at: 60)
        sender.acknowledge(0...4, at: 70)
        #expect(sender.fates.acknowledged == [3, 4, 0, 1, 2])
        #expect(sender.path.inFlight == 0)
        #expect(sender.path.controller.acknowledgedBytes == 5_000)
        #expect(sender.isIdle)
    }

    @Test func `an ACK of packets that were never sent is an error and changes nothing`() {
        sender.send(5)
        #expect(throws: AcknowledgmentFailure.neverSent(5)) { try sender.process(AcknowledgmentPayload.bytes([5...5])) }
        #expect(throws: AcknowledgmentFailure.length(3, expected: 13)) { try sender.process([1, 2, 3]) }
        #expect(sender.fates.acknowledged.isEmpty)
        #expect(sender.path.inFlight == 5_000)
        #expect(sender.path.controller.samples.isEmpty)
    }

    @Test func `packets of which nothing must be acknowledged are not in flight and start no timer`() {
        sender.send(3, type: .ack)
        sender.send(1, type: .close)
        #expect(sender.path.inFlight == 0)
        #expect(sender.deadline == nil)
        sender.send(1, type: .pad)
        #expect(sender.path.inFlight == 1_000)
        #expect(sender.deadline == nil)
        sender.acknowledge(0...4, at: 10)
        #expect(sender.fates.acknowledged == [0, 1, 2, 3, 4])
        #expect(sender.path.inFlight == 0)
        // Nothing in it gives a round-trip time.
        #expect(sender.path.time.latest == nil)
    }

    @Test func `the round-trip time is that of the highest packet, when it is new`() {
        sender.send(1, at: 0)
        sender.send(1, at: 10)
        sender.send(1, at: 20)
        sender.acknowledge(0...1, at: 50)
        #expect(sender.path.time.latest == 40_000_000)
        // Packet 0 is not new, and the highest one neither.
        sender.acknowledge(0...1, at: 90)
        #expect(sender.path.time.latest == 40_000_000)
        sender.acknowledge(0...2, at: 90)
        #expect(sender.path.time.latest == 70_000_000)
    }

    // MARK: Loss

    @Test func `a packet is lost when the third later one is acknowledged`() {
        sender.send(6)
        sender.acknowledge(1...2, at: 50)
        #expect(sender.fates.lost == [])
        sender.acknowledge(1...3, at: 50)
        #expect(sender.fates.lost == [0])
        #expect(sender.path.inFlight == 2_000)
        #expect(sender.path.controller.losses == 1)
    }

    @Test func `a packet is lost nine eighths of the round-trip time after its sending if a later one is acknowledged`()
    {
        sender.send(1, at: 0)
        sender.send(1, at: 1)
        sender.acknowledge(1...1, at: 81)
        #expect(sender.fates.lost == [])
        #expect(sender.deadline == 90)
        #expect(sender.timeout(at: 89.999) == [])
        #expect(sender.fates.lost == [])
        #expect(sender.timeout(at: 90) == [])
        #expect(sender.fates.lost == [0])
        #expect(sender.deadline == nil)
        #expect(sender.isIdle)
    }

    @Test func `the time is 1 ms at least`() {
        sender.send(2)
        sender.acknowledge(1...1, at: 0.1)
        #expect(sender.deadline == 1)
    }

    @Test func `packets sent after the highest acknowledged one are not lost, however old`() {
        sender.send(4)
        sender.acknowledge(0...0, at: 10)
        sender.timeout(at: 2_000)
        #expect(sender.fates.lost == [])
    }

    // MARK: Late packets

    @Test func `a late packet raises the threshold to one more than the packets that overtook it`() {
        sender.send(40)
        sender.acknowledge(1...10, at: 50)
        #expect(sender.fates.lost == [0])
        sender.acknowledge(0...10, at: 51)
        #expect(sender.fates.late == [0])
        #expect(sender.fates.acknowledged.count == 10)
        #expect(sender.path.controller.late == 1)
        #expect(sender.path.packetThreshold == 11)
        sender.acknowledge(12...21, 0...10, at: 51)
        #expect(sender.fates.lost == [0])
        sender.acknowledge(12...22, 0...10, at: 51)
        #expect(sender.fates.lost == [0, 11])
        // In flight is counted once.
        #expect(sender.path.inFlight == 17_000)
    }

    @Test func `the threshold has a limit`() {
        sender.send(5_000)
        sender.acknowledge(1...4_000, at: 50)
        sender.acknowledge(0...4_000, at: 51)
        #expect(sender.path.packetThreshold == 1_024)
    }

    @Test func `a late packet that was lost by its age makes the time longer instead`() {
        sender.send(2, at: 0)
        sender.acknowledge(1...1, at: 80)
        sender.timeout(at: 90)
        sender.acknowledge(0...1, at: 91)
        #expect(sender.fates.late == [0])
        #expect(sender.path.packetThreshold == 3)
        sender.send(2, at: 100)
        sender.acknowledge(3...3, at: 180)
        // 5/4 of 80 ms.
        #expect(sender.deadline == 200)
    }

    @Test func `lost packets are forgotten after two probe timeouts`() {
        sender.send(4, at: 0)
        sender.acknowledge(1...3, at: 50)
        // 2 × (50 + 4 × 18.75) ms after sending.
        sender.send(1, at: 199)
        sender.acknowledge(1...4, at: 249)
        #expect(sender.base == 0)
        // 2 × (50 + 4 × 14.06) ms.
        sender.send(1, at: 210)
        sender.acknowledge(1...5, at: 260)
        #expect(sender.base == 6)
        sender.acknowledge(0...5, at: 261)
        #expect(sender.fates.late == [])
    }

    // MARK: Probes

    @Test func `without an acknowledgment a probe is due, each time after twice as long`() {
        sender.send(1, at: 0)
        // 333 + 4 × 166.5 + 25 ms.
        #expect(sender.deadline == 1_024)
        #expect(sender.timeout(at: 1_023) == [])
        #expect(sender.timeout(at: 1_024).contains(path: 0))
        #expect(sender.deadline == 2_048)
        sender.send(2, at: 1_024)
        #expect(sender.deadline == 3_072)
        #expect(sender.timeout(at: 3_072).contains(path: 0))
        sender.send(2, at: 3_072)
        #expect(sender.deadline == 7_168)
        #expect(sender.fates.lost == [])
        let oldest = sender.recovery.oldestFrame()
        #expect(oldest?.offset == 0)
    }

    @Test func `an acknowledgment ends the backoff`() {
        sender.send(1, at: 0)
        sender.timeout(at: 1_024)
        sender.send(2, at: 1_024)
        sender.acknowledge(1...1, at: 1_124)
        // The loss of packet 0 was found on the way, and packet 2 waits: 100 + 4 × 50 + 25 ms.
        #expect(sender.fates.lost == [0])
        #expect(sender.deadline == 1_349)
    }

    @Test func `the probe timeout has 1 ms of variation at least`() {
        for round in 0..<100 {
            sender.send(1, at: Double(round) * 10)
            sender.acknowledge(UInt64(round)...UInt64(round), at: Double(round) * 10 + 2)
        }
        sender.send(1, at: 1_000)
        // 2 + 1 + 25 ms.
        #expect(sender.deadline == 1_028)
    }

    @Test func `a session that only acknowledges sends a PING after 16 384 packets`() {
        sender.send(16_383, type: .ack)
        #expect(!sender.isPingDue)
        sender.send(1, type: .ack)
        #expect(sender.isPingDue)
        sender.send(1, type: .ping)
        #expect(!sender.isPingDue)
        sender.acknowledge(0...16_384, at: 10)
        #expect(!sender.isPingDue)
        #expect(sender.isIdle)
    }

    // MARK: Persistent congestion

    @Test func `when everything of a long time is lost, congestion is persistent`() throws {
        sender.send(1, at: 0)
        sender.acknowledge(0...0, at: 100)
        // With the second measurement, 3 × (100 + 4 × 37.5 + 25) ms is 825 ms.
        sender.send(1, at: 200)
        sender.send(1, at: 1_026)
        sender.send(3, at: 1_300)
        sender.acknowledge(4...5, at: 1_400)
        #expect(sender.fates.lost == [1, 2])
        #expect(try #require(sender.path.controller.samples.last).isPersistent)
        #expect(sender.path.time.minimum == sender.path.time.latest)
    }

    @Test func `congestion is not persistent over a shorter time`() {
        sender.send(1, at: 0)
        sender.acknowledge(0...0, at: 100)
        sender.send(1, at: 200)
        sender.send(1, at: 1_025)
        sender.send(3, at: 1_300)
        sender.acknowledge(4...5, at: 1_400)
        #expect(sender.fates.lost == [1, 2])
        #expect(sender.path.controller.samples.allSatisfy { !$0.isPersistent })
    }

    @Test func `congestion is not persistent if a packet inside of the time was acknowledged`() {
        sender.send(1, at: 0)
        sender.acknowledge(0...0, at: 100)
        sender.send(1, at: 200)
        sender.send(1, at: 700)
        sender.send(1, at: 1_300)
        sender.send(4, at: 1_400)
        sender.acknowledge(5...7, 2...2, at: 1_500)
        #expect(sender.fates.lost == [1, 3, 4])
        #expect(sender.path.controller.samples.allSatisfy { !$0.isPersistent })
    }

    @Test func `congestion is not persistent if the round-trip time was not known before`() {
        sender.send(1, at: 0)
        sender.send(1, at: 5_000)
        sender.send(1, at: 5_100)
        sender.acknowledge(2...2, at: 5_200)
        sender.timeout(at: 5_213)
        #expect(sender.fates.lost == [0, 1])
        #expect(sender.path.controller.samples.filter(\.isPersistent).count == 0)
    }

    // MARK: Paths

    @Test func `only later packets of the same path make a packet lost`() {
        sender.recovery.openPath(datagramSize: 1_200)
        sender.send(1, path: 0)
        sender.send(10, path: 1)
        sender.send(2, path: 0)
        sender.acknowledge(1...12, at: 20)
        // Two of path 0 were sent later, and ten of the other one.
        #expect(sender.fates.lost == [])
        #expect(sender.path(0).inFlight == 1_000)
        #expect(sender.path(1).inFlight == 0)
        sender.send(1, path: 0)
        sender.acknowledge(1...13, at: 20.1)
        #expect(sender.fates.lost == [0])
    }

    @Test func `each path measures its own time and has its own probes`() {
        sender.recovery.openPath(datagramSize: 1_200)
        sender.send(1, path: 0, at: 0)
        sender.send(1, path: 1, at: 1)
        sender.acknowledge(0...0, at: 10)
        #expect(sender.path(0).time.latest == 10_000_000)
        #expect(sender.path(1).time.latest == nil)
        #expect(sender.deadline == 1_025)
        sender.send(1, path: 0, at: 20)
        // 10 + 4 × 5 + 25 ms.
        #expect(sender.deadline == 75)
        #expect(sender.timeout(at: 75) == PathSet(path: 0))
        #expect(sender.timeout(at: 1_025).contains(path: 1))
    }

    @Test func `a path that begins anew gives up its packets, and knows nothing of late ones`() {
        sender.recovery.openPath(datagramSize: 1_200)
        sender.send(2, path: 0)
        sender.send(2, path: 1)
        sender.acknowledge(0...0, at: 30)
        sender.restartPath(0)
        #expect(sender.fates.lost == [1])
        #expect(sender.path(0).inFlight == 0)
        #expect(sender.path(0).time.latest == nil)
        #expect(sender.path(0).controller.losses == 0)
        #expect(sender.path(1).inFlight == 2_000)
        sender.acknowledge(0...3, at: 40)
        #expect(sender.fates.late == [])
        #expect(sender.fates.acknowledged == [0, 2, 3])
    }

    // MARK: Limits

    @Test func `65 535 packets may be unacknowledged`() {
        sender.send(65_534, type: .ack)
        #expect(sender.hasNumbers)
        sender.send(1, type: .ack)
        #expect(!sender.hasNumbers)
        #expect(sender.allowance == SendAllowance(bytes: 0, limit: .packetNumbers))
        sender.acknowledge(0...9, at: 10)
        #expect(sender.hasNumbers)
        sender.send(9, type: .ack)
        #expect(sender.hasNumbers)
        sender.send(1, type: .ack)
        #expect(!sender.hasNumbers)
    }

    @Test func `lost packets make room for new ones when the ring is as large as it gets`() {
        sender.send(60_000, at: 0)
        // The first one of them is lost and remembered.
        sender.acknowledge(1...59_999, at: 50)
        #expect(sender.fates.lost == [0])
        sender.send(65_000, at: 51)
        sender.acknowledge(60_000...124_999, at: 60)
        sender.send(1)
        #expect(sender.fates.acknowledged.count == 124_999)
        #expect(sender.capacity == 65_536)
    }

    @Test func `the window, the pacer and the peer's buffer limit what may go`() {
        #expect(sender.allowance == SendAllowance(bytes: 65_536, limit: .pacer))
        sender.recovery.paths[0].pacer.isEnabled = false
        #expect(sender.allowance == SendAllowance(bytes: 1_000_000, limit: .window))
        sender.send(10)
        #expect(sender.allowance == SendAllowance(bytes: 990_000, limit: .window))
        sender.recovery.receiveBuffer = 212_992
        // No measurement yet.
        #expect(sender.allowance == SendAllowance(bytes: 990_000, limit: .window))
        sender.acknowledge(0...8, at: 3)
        #expect(sender.allowance == SendAllowance(bytes: 999_000, limit: .window))
        sender.send(1)
        sender.acknowledge(0...10, at: 4)
        #expect(sender.allowance == SendAllowance(bytes: 212_992, limit: .receiveBuffer))
        sender.send(212)
        #expect(sender.allowance == SendAllowance(bytes: 992, limit: .receiveBuffer))
        sender.send(1)
        #expect(sender.allowance == SendAllowance(bytes: 0, limit: .receiveBuffer))
    }

    // MARK: Rounds and rates

    @Test func `a round ends when a packet is acknowledged that was sent in it`() {
        sender.send(4, at: 0)
        sender.acknowledge(0...0, at: 10)
        sender.acknowledge(0...3, at: 11)
        sender.send(2, at: 12)
        sender.acknowledge(0...4, at: 20)
        #expect(sender.path.controller.samples.map(\.startsRound) == [true, false, true])
        #expect(sender.path.controller.samples.map(\.mostInFlight) == [4_000, 4_000, 4_000])
        sender.acknowledge(0...5, at: 21)
        sender.send(1, at: 30)
        sender.acknowledge(0...6, at: 40)
        sender.send(1, at: 50)
        sender.acknowledge(0...7, at: 60)
        #expect(sender.path.controller.samples.suffix(3).map(\.startsRound) == [false, true, true])
        #expect(sender.path.controller.samples.suffix(3).map(\.mostInFlight) == [3_000, 3_000, 1_000])
    }

    @Test func `the delivery rate is what was delivered from sending to acknowledgment`() throws {
        for round in 0..<20 { sender.send(1, at: Double(round)) }
        for round in 0..<20 {
            sender.acknowledge(UInt64(round)...UInt64(round), at: Double(round) + 20)
            if round < 10 { sender.send(1) }
        }
        // Sent when packet 0 was delivered, acknowledged 20 ms and 20 packets later.
        sender.acknowledge(20...20, at: 40)
        let rate = try #require(sender.path.controller.samples.last?.rate)
        #expect(rate.delivered == 20_000)
        #expect(rate.interval == 20_000_000)
        #expect(rate.bytesPerSecond == 1_000_000)
        #expect(rate.priorDelivered == 1_000)
        #expect(!rate.isApplicationLimited)
    }

    @Test func `the delivery rate is not higher than that of sending, when ACKs come together`() throws {
        for time in 0..<10 { sender.send(1, at: Double(time)) }
        sender.acknowledge(0...0, at: 10)
        sender.acknowledge(0...5, at: 20)
        sender.send(1, at: 20)
        sender.acknowledge(0...10, at: 21)
        let rate = try #require(sender.path.controller.samples.last?.rate)
        // From the sending of packet 5, which was the last one delivered, to that of packet 10.
        #expect(rate.interval == 15_000_000)
        #expect(rate.delivered == 5_000)
    }

    @Test func `samples of a sender with too little to send are marked until those packets are delivered`() {
        sender.send(2, at: 0)
        sender.recovery.applicationLimited()
        sender.send(1, at: 5)
        sender.acknowledge(0...1, at: 20)
        sender.send(1, at: 21)
        sender.acknowledge(0...2, at: 30)
        sender.send(1, at: 31)
        sender.acknowledge(0...3, at: 50)
        sender.acknowledge(0...4, at: 60)
        let marks = sender.path.controller.samples.map { $0.rate?.isApplicationLimited }
        #expect(marks == [false, true, true, false])
    }

    // MARK: Memory

    @Test func `while the ring grows, every packet keeps its state`() {
        sender.send(200)
        sender.acknowledge(150...160, 120...130, at: 50)
        // All that is below the threshold is lost.
        #expect(sender.fates.lost.count == 139)
        sender.send(4_000)
        #expect(sender.capacity == 8_192)
        sender.acknowledge(0...4_199, at: 60)
        #expect(sender.fates.late == sender.fates.lost)
        #expect(sender.fates.acknowledged.count == 4_061)
        #expect(Set(sender.fates.acknowledged).count == 4_061)
        #expect(sender.path.inFlight == 0)
        #expect(sender.isIdle)
    }

    @Test func `the ring grows to what is in flight and then stays, and gives its memory back when it is empty`() {
        sender.send(3_000)
        #expect(sender.capacity == 4_096)
        for round in 0..<50 as Range<UInt64> {
            sender.acknowledge(round * 1_000...round * 1_000 + 999, at: Double(round) * 10 + 10)
            sender.send(1_000)
        }
        #expect(sender.capacity == 4_096)
        sender.recovery.shrink()
        #expect(sender.capacity == 4_096)
        sender.acknowledge(50_000...52_999, at: 600)
        sender.recovery.shrink()
        #expect(sender.capacity == 64)
        sender.send(100)
        sender.acknowledge(53_000...53_099, at: 700)
        #expect(sender.fates.acknowledged.count == 53_100)
    }
}
