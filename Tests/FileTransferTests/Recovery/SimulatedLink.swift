@testable import FileTransfer

/// A packet under way.
struct SimulatedPacket {
    var number: UInt64
    var frame: SentFrame
    /// Of an ACK.
    var payload: [UInt8]
    /// Bytes of the datagram.
    var size: Int
}

/// One direction of a network path: a bottleneck with a queue, then a delay. Packets are lost, doubled and held up at
/// random.
struct SimulatedLink {
    /// IPv4 and UDP.
    static let headers = 28

    struct Properties {
        var bytesPerSecond: Double
        /// Bytes that wait for the bottleneck.
        var queue: Int
        /// Nanoseconds.
        var delay: Int64
        var loss = 0.0
        var duplication = 0.0
        /// The share of packets that are held up, by up to `holdUp` nanoseconds.
        var reordering = 0.0
        var holdUp: Int64 = 0
        /// Packets that are lost one after another when one is lost.
        var burst = 1
        /// The bottleneck's rate from a time on.
        var laterBytesPerSecond: Double?
        var changesAt = Instant(nanoseconds: .max)
        /// Packets arrive at multiples of so many nanoseconds; 0: each for itself.
        var aggregation: Int64 = 0
    }

    let properties: Properties
    /// When the bottleneck is done with what it has.
    private var free = Instant(nanoseconds: 0)
    private(set) var dropped = 0
    /// Nanoseconds that packets waited, and their number.
    private(set) var waited: Int64 = 0
    private(set) var passed = 0
    /// The longest wait.
    private(set) var longestWait: Int64 = 0
    private var burstLeft = 0

    init(_ properties: Properties) { self.properties = properties }

    private func bytesPerSecond(now: Instant) -> Double {
        now < properties.changesAt
            ? properties.bytesPerSecond : properties.laterBytesPerSecond ?? properties.bytesPerSecond
    }

    /// Nanoseconds that a packet would wait.
    func wait(now: Instant) -> Int64 { max(0, free - now) }

    mutating func resetLongestWait() { longestWait = 0 }

    /// The times at which a packet that is sent now arrives: one, none or two.
    mutating func send(
        _ size: Int,
        now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> [Instant] {
        func happens(_ share: Double) -> Bool { share > 0 && Double.random(in: 0..<1, using: &generator) < share }
        let (wait, rate) = (wait(now: now), bytesPerSecond(now: now))
        guard Double(wait) * rate / 1e9 <= Double(properties.queue) else {
            dropped += 1
            return []
        }
        waited += wait
        longestWait = max(longestWait, wait)
        passed += 1
        free = now + wait + Int64(Double(size + Self.headers) * 1e9 / rate)
        if burstLeft == 0, happens(properties.loss / Double(properties.burst)) { burstLeft = properties.burst }
        if burstLeft > 0 {
            burstLeft -= 1
            dropped += 1
            return []
        }
        var arrival = free + properties.delay
        if properties.aggregation > 0 {
            let slots = (arrival.nanoseconds + properties.aggregation - 1) / properties.aggregation
            arrival = Instant(nanoseconds: slots * properties.aggregation)
        }
        var arrivals = [arrival]
        if happens(properties.duplication) { arrivals.append(arrivals[0] + properties.delay / 3) }
        guard properties.reordering > 0 else { return arrivals }
        return arrivals.map {
            happens(properties.reordering) ? $0 + Int64.random(in: 0...properties.holdUp, using: &generator) : $0
        }
    }
}

/// What happens at which time; of equal times the first one entered comes first. A binary heap.
struct EventQueue<Event> {
    private var heap: [(time: Instant, order: Int, event: Event)] = []
    private var count = 0

    var nextTime: Instant? { heap.first?.time }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        (heap[one].time, heap[one].order) < (heap[other].time, heap[other].order)
    }

    mutating func insert(_ event: Event, at time: Instant) {
        heap.append((time, count, event))
        count += 1
        var index = heap.count - 1
        while index > 0, precedes(index, (index - 1) / 2) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// The next event up to a time.
    mutating func take(until time: Instant) -> Event? {
        guard let first = heap.first, first.time <= time else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first.event }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            if least == index { return first.event }
            heap.swapAt(index, least)
            index = least
        }
    }
}
