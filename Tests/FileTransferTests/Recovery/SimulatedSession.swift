@testable import FileTransfer

/// Two ends and the path between them, on virtual time.
struct SimulatedSession: ~Copyable {
    private enum Event {
        case first(SimulatedPacket)
        case second(SimulatedPacket)
    }

    var first: SimulatedEnd
    var second: SimulatedEnd
    /// From the first end, and to it.
    private(set) var forth: SimulatedLink
    private(set) var back: SimulatedLink
    private(set) var now = Instant(nanoseconds: 0)
    private var events = EventQueue<Event>()
    private var generator: SeededGenerator

    init(
        seed: UInt64,
        forth: SimulatedLink.Properties,
        back: SimulatedLink.Properties,
        frames: Int,
        framesBack: Int = 0,
        algorithm: CongestionControl.Algorithm = .cubic
    ) {
        first = SimulatedEnd(sending: frames, receiving: framesBack, algorithm)
        second = SimulatedEnd(sending: framesBack, receiving: frames, algorithm)
        self.forth = SimulatedLink(forth)
        self.back = SimulatedLink(back)
        generator = SeededGenerator(seed: seed)
    }

    /// Runs until all is acknowledged, or until a time, or until nothing more would happen. True if all is
    /// acknowledged.
    mutating func run(until end: Instant) -> Bool {
        while now < end, !(first.isDone && second.isDone) {
            poll()
            let times = [events.nextTime, first.nextDeadline, second.nextDeadline].compactMap { $0 }
            guard let next = times.min() else { break }
            now = max(now, next)
            // All that comes at one time is one batch.
            while let event = events.take(until: now) {
                switch event {
                case .first(let packet): first.receive(packet, now: now)
                case .second(let packet): second.receive(packet, now: now)
                }
            }
        }
        return first.isDone && second.isDone
    }

    private mutating func poll() {
        var sent: [SimulatedPacket] = []
        first.poll(now: now) { sent.append($0) }
        for packet in sent {
            for time in forth.send(packet.size, now: now, using: &generator) {
                events.insert(.second(packet), at: time)
            }
        }
        sent = []
        second.poll(now: now) { sent.append($0) }
        for packet in sent {
            for time in back.send(packet.size, now: now, using: &generator) { events.insert(.first(packet), at: time) }
        }
    }
}
