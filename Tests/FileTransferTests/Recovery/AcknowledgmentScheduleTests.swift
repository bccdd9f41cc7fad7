internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("When an ACK is due", .ownThread)
struct AcknowledgmentScheduleTests {
    private var received = ReceivedPackets()
    private var next: UInt64 = 0

    private mutating func receive(
        skipping missing: UInt64 = 0,
        elicits: Bool = true,
        isUrgent: Bool = false,
        at time: Double = 0
    ) {
        next += missing
        _ = received.record(next, elicits: elicits, isUrgent: isUrgent, now: .milliseconds(time))
        next += 1
    }

    private func isDue(at time: Double = 0) -> Bool { received.isDue(now: .milliseconds(time)) }

    private mutating func acknowledge(at time: Double = 0) { _ = received.payload(now: .milliseconds(time)) }

    @Test mutating func `one packet is acknowledged after 25 ms`() {
        #expect(received.nextDeadline == nil)
        receive(at: 3)
        #expect(!isDue(at: 3))
        #expect(received.nextDeadline == .milliseconds(28))
        #expect(!isDue(at: 27.9))
        #expect(isDue(at: 28))
        acknowledge(at: 28)
        #expect(!isDue(at: 100))
        #expect(received.nextDeadline == nil)
    }

    @Test mutating func `the second packet is acknowledged at once`() {
        for _ in 0..<50 {
            receive()
            #expect(!isDue())
            receive()
            #expect(isDue())
            acknowledge()
        }
    }

    @Test mutating func `the time counts from the first packet of those that wait`() {
        received.interval = 10
        for _ in 0..<100 { receive() }
        acknowledge()
        receive(at: 1)
        receive(at: 20)
        #expect(received.nextDeadline == .milliseconds(26))
    }

    @Test mutating func `packets that elicit nothing are not acknowledged by themselves`() {
        for _ in 0..<10 { receive(elicits: false) }
        #expect(!isDue(at: 1_000))
        #expect(received.nextDeadline == nil)
        receive()
        #expect(!isDue())
    }

    @Test mutating func `a packet after a gap is acknowledged at once, the next one is not`() {
        receive()
        acknowledge()
        receive(skipping: 1)
        #expect(isDue())
        acknowledge()
        receive()
        #expect(!isDue())
    }

    @Test mutating func `missing packets before the first one are a gap`() {
        receive(skipping: 3)
        #expect(isDue())
    }

    @Test mutating func `a late packet is acknowledged at once`() {
        receive(skipping: 1)
        acknowledge()
        _ = received.record(0, elicits: true, isUrgent: false, now: .milliseconds(0))
        #expect(isDue())
    }

    @Test mutating func `a duplicate is acknowledged at once`() {
        receive()
        acknowledge()
        _ = received.record(0, elicits: true, isUrgent: false, now: .milliseconds(0))
        #expect(isDue())
    }

    @Test mutating func `FIN and ACK-NOW are acknowledged at once`() {
        receive(isUrgent: true)
        #expect(isDue())
    }

    @Test mutating func `after 100 packets the interval is the caller's`() {
        received.interval = 10
        for count in 1...100 {
            receive()
            #expect(isDue() == count.isMultiple(of: 2))
            if isDue() { acknowledge() }
        }
        for count in 1...40 {
            receive()
            #expect(isDue() == count.isMultiple(of: 10))
            if isDue() { acknowledge() }
        }
    }

    @Test mutating func `after a gap every second packet is acknowledged again, for eight packets`() {
        received.interval = 10
        for _ in 0..<100 { receive() }
        acknowledge()
        receive(skipping: 1)
        #expect(isDue())
        acknowledge()
        // The packet after the gap is one of the eight.
        for count in 1...7 {
            receive()
            #expect(isDue() == count.isMultiple(of: 2))
            if isDue() { acknowledge() }
        }
        acknowledge()
        for count in 1...10 {
            receive()
            #expect(isDue() == (count == 10))
        }
    }

    @Test mutating func `an interval below 2 is 2`() {
        received.interval = 0
        for _ in 0..<101 { receive() }
        acknowledge()
        receive()
        #expect(!isDue())
    }
}
