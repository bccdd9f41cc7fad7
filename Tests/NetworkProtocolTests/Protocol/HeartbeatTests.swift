internal import Testing

@testable import NetworkProtocol

@Suite("A heartbeat")
struct HeartbeatTests {
    let start = ContinuousClock.now

    func heartbeat() -> Heartbeat {
        Heartbeat(interval: .seconds(30), missed: 4, stall: .seconds(20), now: start)
    }

    @Test func `a heartbeat asks after an interval of silence, and at each one more`() {
        var heartbeat = heartbeat()
        #expect(
            heartbeat.check(now: start + .seconds(29), unsentBytes: 0, writtenBytes: 0)
                == .fine(next: start + .seconds(30))
        )
        #expect(
            heartbeat.check(now: start + .seconds(30), unsentBytes: 0, writtenBytes: 0)
                == .ping(next: start + .seconds(50))
        )
        #expect(
            heartbeat.check(now: start + .seconds(45), unsentBytes: 0, writtenBytes: 0)
                == .fine(next: start + .seconds(60))
        )
        #expect(
            heartbeat.check(now: start + .seconds(60), unsentBytes: 0, writtenBytes: 0)
                == .ping(next: start + .seconds(80))
        )
    }

    @Test func `a heartbeat calls a peer dead after four intervals without a byte`() {
        var heartbeat = heartbeat()
        for beat in 1...11 { _ = heartbeat.check(now: start + .seconds(10 * beat), unsentBytes: 0, writtenBytes: 0) }
        #expect(
            heartbeat.check(now: start + .seconds(120), unsentBytes: 0, writtenBytes: 0)
                == .dead(.dead(after: .seconds(120)))
        )
    }

    @Test func `any byte is a sign of life`() {
        var heartbeat = heartbeat()
        for beat in 1...100 {
            let now = start + .seconds(29 * beat)
            heartbeat.received(now: now, isInsidePacket: false, missing: 0)
            #expect(heartbeat.check(now: now, unsentBytes: 0, writtenBytes: 0) == .fine(next: now + .seconds(20)))
        }
    }

    @Test func `a packet that comes a byte now and then is cut, however busy its sender looks`() {
        var heartbeat = heartbeat()
        var now = start
        heartbeat.received(now: now, isInsidePacket: true, missing: 100)
        for _ in 0..<19 {
            now += .seconds(1)
            heartbeat.received(now: now, isInsidePacket: true, missing: 90)
            if case .dead = heartbeat.check(now: now, unsentBytes: 0, writtenBytes: 0) { Issue.record("cut too early") }
        }
        #expect(
            heartbeat.check(now: start + .seconds(20), unsentBytes: 0, writtenBytes: 0)
                == .dead(.timedOut(what: "a packet that had begun"))
        )
    }

    @Test func `a long packet on a slow line has a second for each 16 KiB`() {
        var heartbeat = heartbeat()
        heartbeat.received(now: start, isInsidePacket: true, missing: 160 * 1024)
        heartbeat.received(now: start + .seconds(25), isInsidePacket: true, missing: 60 * 1024)
        guard case .fine = heartbeat.check(now: start + .seconds(29), unsentBytes: 0, writtenBytes: 0) else {
            Issue.record("cut too early")
            return
        }
        #expect(
            heartbeat.check(now: start + .seconds(30), unsentBytes: 0, writtenBytes: 0)
                == .dead(.timedOut(what: "a packet that had begun"))
        )
    }

    @Test func `packets that follow each other each have their own time`() {
        var heartbeat = heartbeat()
        for beat in 0..<100 {
            let now = start + .seconds(15 * beat)
            heartbeat.completedPacket()
            heartbeat.received(now: now, isInsidePacket: true, missing: 10)
            if case .dead = heartbeat.check(now: now, unsentBytes: 0, writtenBytes: 0) {
                Issue.record("a busy session was cut")
            }
        }
    }

    @Test func `however seldom a heartbeat asks, a packet and sending are checked in the time that they have`() {
        var heartbeat = Heartbeat(interval: .seconds(3_600), missed: 4, stall: .seconds(20), now: start)
        #expect(heartbeat.firstCheck == start + .seconds(20))
        #expect(heartbeat.check(now: start, unsentBytes: 0, writtenBytes: 0) == .fine(next: start + .seconds(20)))
        // Started a moment after that.
        #expect(
            heartbeat.check(now: start + .seconds(20), unsentBytes: 9, writtenBytes: 0)
                == .fine(next: start + .seconds(40))
        )
        #expect(
            heartbeat.check(now: start + .seconds(40), unsentBytes: 9, writtenBytes: 0)
                == .dead(.stalled(after: .seconds(20)))
        )
    }

    @Test func `a peer that takes nothing of what is sent is cut, even while it sends`() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(now: start, unsentBytes: 1_000, writtenBytes: 0) == .fine(next: start + .seconds(20)))
        heartbeat.received(now: start + .seconds(19), isInsidePacket: false, missing: 0)
        #expect(
            heartbeat.check(now: start + .seconds(20), unsentBytes: 1_000, writtenBytes: 0)
                == .dead(.stalled(after: .seconds(20)))
        )
    }

    @Test func `a peer that takes a little of what is sent is not cut`() {
        var heartbeat = heartbeat()
        for beat in 0..<50 {
            let now = start + .seconds(19 * beat)
            heartbeat.received(now: now, isInsidePacket: false, missing: 0)
            if case .dead = heartbeat.check(now: now, unsentBytes: 100_000 - beat, writtenBytes: 0) {
                Issue.record("cut")
            }
        }
    }

    @Test func `while this side does not read, silence means nothing`() {
        var heartbeat = heartbeat()
        heartbeat.received(now: start, isInsidePacket: true, missing: 10)
        for beat in 1...20 {
            let now = start + .seconds(15 * beat)
            heartbeat.paused(now: now)
            if case .dead = heartbeat.check(now: now, unsentBytes: 0, writtenBytes: 0) {
                Issue.record("cut while it was not read")
            }
        }
    }

    @Test
    func `a peer that takes nothing is cut although more is given to the system, and one that takes a little is not`() {
        var heartbeat = heartbeat()
        _ = heartbeat.check(now: start, unsentBytes: 1_000, writtenBytes: 50)
        heartbeat.received(now: start + .seconds(19), isInsidePacket: false, missing: 0)
        _ = heartbeat.check(now: start + .seconds(10), unsentBytes: 1_014, writtenBytes: 50)
        #expect(
            heartbeat.check(now: start + .seconds(20), unsentBytes: 1_028, writtenBytes: 50)
                == .dead(.stalled(after: .seconds(20)))
        )
        // As much as before is waiting, but a whole write has passed.
        guard case .fine = heartbeat.check(now: start + .seconds(21), unsentBytes: 1_028, writtenBytes: 51) else {
            Issue.record("cut")
            return
        }
    }

    @Test func `a peer that takes what is sent, slowly, is not dead however long it says nothing`() {
        var heartbeat = heartbeat()
        for beat in 0..<10 {
            let now = start + .seconds(15 * beat)
            let verdict = heartbeat.check(
                now: now,
                unsentBytes: 16_000_000 - 1_000_000 * beat,
                writtenBytes: 1_000_000 * beat
            )
            if case .dead(let error) = verdict { Issue.record("\(error)") }
        }
    }

    @Test func `a peer that takes what is sent, slowly, is not cut although more is given to the system than it takes`()
    {
        var heartbeat = heartbeat()
        for beat in 0..<10 {
            let now = start + .seconds(15 * beat)
            let verdict = heartbeat.check(
                now: now,
                unsentBytes: 16_000_000 + 1_000_000 * beat,
                writtenBytes: 1_000_000 * beat
            )
            if case .dead(let error) = verdict { Issue.record("\(error)") }
        }
    }

    @Test func `a long packet on a slow line has its time also when its header came in two pieces`() {
        var heartbeat = heartbeat()
        heartbeat.received(now: start, isInsidePacket: true, missing: 0)
        heartbeat.received(now: start + .seconds(1), isInsidePacket: true, missing: 160 * 1024)
        heartbeat.received(now: start + .seconds(25), isInsidePacket: true, missing: 10 * 1024)
        guard case .fine = heartbeat.check(now: start + .seconds(29), unsentBytes: 0, writtenBytes: 0) else {
            Issue.record("cut too early")
            return
        }
        #expect(
            heartbeat.check(now: start + .seconds(30), unsentBytes: 0, writtenBytes: 0)
                == .dead(.timedOut(what: "a packet that had begun"))
        )
    }

    @Test func `time in which this side stood still is no silence of the peer`() {
        var heartbeat = heartbeat()
        let due = start + .seconds(20)
        #expect(heartbeat.check(now: start, unsentBytes: 0, writtenBytes: 0) == .fine(next: due))
        // Only a quarter of the stall time is added to the hour.
        let woken = due + .seconds(3_600)
        var now = woken
        while true {
            let verdict = heartbeat.check(now: now, unsentBytes: 0, writtenBytes: 0)
            guard case .fine(let next) = verdict else {
                guard case .ping(let next) = verdict else {
                    #expect(verdict == .dead(.dead(after: .seconds(120))))
                    break
                }
                now = next
                continue
            }
            now = next
        }
        #expect(now - woken == .seconds(105))
    }

    @Test func `time in which this side was suspended does not count against a packet or a peer that reads nothing`() {
        for (bytes, error) in [
            (0, ConnectionError.timedOut(what: "a packet that had begun")), (9, .stalled(after: .seconds(20))),
        ] {
            var heartbeat = heartbeat()
            if bytes == 0 { heartbeat.received(now: start, isInsidePacket: true, missing: 10) }
            let due = start + .seconds(20)
            #expect(heartbeat.check(now: start, unsentBytes: bytes, writtenBytes: 0) == .fine(next: due))
            let woken = due + .seconds(3_600)
            let look = woken + .seconds(5)
            let verdict = heartbeat.check(now: woken, unsentBytes: bytes, writtenBytes: 0)
            #expect(verdict == .fine(next: look) || verdict == .ping(next: look), "\(verdict)")
            #expect(heartbeat.check(now: look, unsentBytes: bytes, writtenBytes: 0) == .dead(error))
        }
    }
}
