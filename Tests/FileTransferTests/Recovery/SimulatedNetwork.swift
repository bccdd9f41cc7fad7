@testable import FileTransfer

/// Transfers over one bottleneck, on virtual time. Each has a way back of its own.
final class SimulatedNetwork {
    struct Flow: Sendable {
        var algorithm: CongestionControl.Algorithm
        var activity = SimulatedEnd.Activity()
    }

    /// A transfer, and what of it has arrived.
    final class Transfer {
        fileprivate(set) var sender: SimulatedEnd
        fileprivate(set) var receiver: SimulatedEnd
        fileprivate var back: SimulatedLink

        fileprivate init(_ flow: Flow, back: SimulatedLink.Properties) {
            sender = SimulatedEnd(sending: mostFrames, receiving: 0, flow.algorithm, flow.activity)
            receiver = SimulatedEnd(sending: 0, receiving: mostFrames, flow.algorithm)
            self.back = SimulatedLink(back)
        }

        var violation: String? { sender.frames.violation ?? receiver.frames.violation }
    }

    private enum Event {
        case forth(Int, SimulatedPacket)
        case back(Int, SimulatedPacket)
    }

    /// More than any test sends.
    static let mostFrames = 600_000

    let transfers: [Transfer]
    private(set) var bottleneck: SimulatedLink
    private(set) var now = Instant(nanoseconds: 0)
    private var events = EventQueue<Event>()
    private var generator: SeededGenerator
    /// Empty between two polls.
    private var sent: [SimulatedPacket] = []

    init(seed: UInt64, forth: SimulatedLink.Properties, back: SimulatedLink.Properties, _ flows: [Flow]) {
        transfers = flows.map { Transfer($0, back: back) }
        bottleneck = SimulatedLink(forth)
        generator = SeededGenerator(seed: seed)
    }

    func resetLongestWait() { bottleneck.resetLongestWait() }

    /// Runs until a time.
    func run(until end: Instant) {
        while now < end {
            var next = end
            for index in transfers.indices {
                poll(index)
                if let time = transfers[index].sender.nextDeadline { next = min(next, time) }
                if let time = transfers[index].receiver.nextDeadline { next = min(next, time) }
            }
            if let time = events.nextTime { next = min(next, time) }
            now = max(now, next)
            while let event = events.take(until: now) {
                switch event {
                case .forth(let index, let packet): transfers[index].receiver.receive(packet, now: now)
                case .back(let index, let packet): transfers[index].sender.receive(packet, now: now)
                }
            }
        }
    }

    private func poll(_ index: Int) {
        transfers[index].sender.poll(now: now) { sent.append($0) }
        for packet in sent {
            for time in bottleneck.send(packet.size, now: now, using: &generator) {
                events.insert(.forth(index, packet), at: time)
            }
        }
        sent.removeAll(keepingCapacity: true)
        transfers[index].receiver.poll(now: now) { sent.append($0) }
        for packet in sent {
            for time in transfers[index].back.send(packet.size, now: now, using: &generator) {
                events.insert(.back(index, packet), at: time)
            }
        }
        sent.removeAll(keepingCapacity: true)
    }
}
