internal import PacketIO
internal import Synchronization

/// A NAT on loopback between a sender and a receiver of files, whose addresses change while files move.
final class AddressTranslator: Sendable {
    enum Side: Sendable {
        /// What the receiver sees of the sender.
        case back
        /// What the sender sees of the receiver.
        case front
    }

    /// Which address changes: each time after so many bytes, and at most so often.
    struct Changes: Sendable {
        var side = Side.back
        var every = 0
        var atMost = 0
        /// Where the new ones are, in turn.
        var hosts: [InternetHost] = []
    }

    /// Where the sender sends to at first.
    let address: InternetAddress
    private let wakeUp: WakeUp
    private let counter: Counter
    private let thread: WorkThread<String?>

    private final class Counter: Sendable {
        let changes = Atomic<Int>(0)
        /// Bytes of the longest datagram.
        let longest = Atomic<Int>(0)
    }

    init(to receiver: InternetAddress, _ plan: Changes) throws {
        let front = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let back = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        address = front.address
        let wakeUp = try WakeUp()
        self.wakeUp = wakeUp
        let counter = Counter()
        self.counter = counter
        let sockets = Mutex<Sockets?>(Sockets(front: front, back: back))
        thread = try WorkThread("translator") {
            guard var both = sockets.withLock({ $0.take() }) else { return "no sockets" }
            do {
                try both.forward(to: receiver, wakeUp, counter, plan)
                return nil
            } catch { return "\(error)" }
        }
    }

    /// Ends it. Returns how often the address changed, and bytes of the longest datagram.
    func stop() throws -> (changes: Int, longest: Int) {
        wakeUp.signal()
        if let failure = thread.join() { throw Failure(text: failure) }
        return (counter.changes.load(ordering: .relaxed), counter.longest.load(ordering: .relaxed))
    }

    struct Failure: Error { let text: String }

    private struct Sockets: ~Copyable {
        var front: PacketSocket
        var back: PacketSocket

        mutating func forward(
            to receiver: InternetAddress,
            _ wakeUp: WakeUp,
            _ counter: Counter,
            _ plan: Changes
        ) throws {
            var buffers = try ReceiveBuffers(capacity: 16)
            var sender: InternetAddress?
            var (bytes, changes) = (0, 0)
            while true {
                var poll = PollSet(wakeUp)
                let (frontPlace, backPlace) = (poll.add(front), poll.add(back))
                _ = try poll.wait(until: nil)
                if poll.isWoken { return }
                if poll.hasArrivals(frontPlace) {
                    for index in 0..<(try front.receive(into: &buffers)) {
                        sender = buffers.source(index)
                        bytes += buffers.length(index)
                        let longest = max(counter.longest.load(ordering: .relaxed), buffers.segment(index))
                        counter.longest.store(longest, ordering: .relaxed)
                        _ = back.send(buffers.bytes(index), segment: buffers.segment(index), to: receiver)
                    }
                }
                if poll.hasArrivals(backPlace) {
                    for index in 0..<(try back.receive(into: &buffers)) {
                        guard let sender else { continue }
                        _ = front.send(buffers.bytes(index), segment: buffers.segment(index), to: sender)
                    }
                }
                guard changes < plan.atMost, bytes >= (changes + 1) * plan.every else { continue }
                let host = plan.hosts[changes % plan.hosts.count]
                let new = try PacketSocket(InternetAddress(host, port: 0))
                switch plan.side {
                case .back: back = new
                case .front: front = new
                }
                changes += 1
                counter.changes.store(changes, ordering: .relaxed)
            }
        }
    }
}
