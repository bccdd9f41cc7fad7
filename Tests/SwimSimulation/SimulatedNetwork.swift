package import NetworkProtocol
package import NetworkSimulation

/// Members of a cluster on a simulated network: it loses, delays, reorders and duplicates datagrams, and can be
/// partitioned. No real time passes, and the same seed gives the same run.
package final class SimulatedNetwork {
    package typealias Conditions = SimulatedLink.Conditions

    private enum Happening {
        case timer(node: Int)
        case datagram([UInt8], from: Int, to: Int)
    }

    package struct Node {
        package let id: MemberID
        package let address: MemberAddress
        /// Nil while it does not run.
        package internal(set) var core: SwimCore?
        /// Datagrams pass between nodes of the same side only.
        package var side = 0
        /// Stopped, as by SIGSTOP: it does nothing, and processes what arrived when it continues.
        var isPaused = false
        var inbox: [(bytes: [UInt8], from: Int)] = []
        package internal(set) var events: [MembershipEvent] = []
        package internal(set) var hasFinished = false
        /// Bytes of all datagrams that it sent, including what sealing adds.
        package internal(set) var bytesSent = 0
        package internal(set) var datagramsSent = 0
        var timer = Int64.max
    }

    package var conditions: Conditions {
        get { link.conditions }
        set { link.conditions = newValue }
    }
    /// All nodes are on the same side.
    private var link = SimulatedLink()
    package let configuration: SwimConfiguration
    package private(set) var nodes: [Node] = []
    /// Nanoseconds since the start.
    package private(set) var now: Int64 = 0
    /// Every `failed` about a node that was running.
    package private(set) var falsePositives = 0
    /// Called for each event, with the node that reports it.
    package var observer: ((_ node: Int, _ event: MembershipEvent) -> Void)?
    /// Called for each datagram that is sent.
    package var tap: ((_ bytes: [UInt8], _ from: Int, _ to: Int) -> Void)?

    private var random: SplitMix64
    private var queue = EventQueue<Happening>()
    private var nodeByAddress: [MemberAddress: Int] = [:]
    private var nodeByID: [MemberID: Int] = [:]

    package init(seed: UInt64, configuration: SwimConfiguration = SwimConfiguration()) {
        random = SplitMix64(seed: seed)
        self.configuration = configuration
    }

    /// The time in protocol periods.
    package var periods: Double { Double(now) / Double(configuration.period) }

    /// Starts `count` members that join through the first `seeds` of all.
    package func start(_ count: Int, seeds: Int) {
        for _ in 0..<count {
            let index = nodes.count
            let words = (random.next(), random.next(), random.next(), random.next())
            var key: [UInt8] = []
            for word in [words.0, words.1, words.2, words.3] {
                for shift in 0..<8 { key.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) }
            }
            let host: [UInt8] = [10, UInt8(index >> 16 & 255), UInt8(index >> 8 & 255), UInt8(index & 255)]
            guard let id = MemberID(publicKey: key), let address = MemberAddress(ip: host, port: 7_000) else {
                preconditionFailure("32 random bytes are an id, 4 bytes an address")
            }
            nodes.append(Node(id: id, address: address))
            nodeByAddress[address] = index
            nodeByID[id] = index
        }
        let first = Array(0..<min(seeds, nodes.count))
        for index in (nodes.count - count)..<nodes.count { start(index, seeds: first) }
    }

    /// Starts or restarts a node; its clock gives the incarnation.
    package func start(_ index: Int, seeds: [Int]) {
        nodes[index].core = SwimCore(
            id: nodes[index].id,
            address: nodes[index].address,
            messagingPort: 7_001,
            incarnation: UInt64(now / 1_000_000) + 1,
            seeds: seeds.map { nodes[$0].address },
            configuration: configuration,
            seed: random.next(),
            now: now
        )
        nodes[index].hasFinished = false
        nodes[index].timer = .max
        schedule(index)
    }

    /// The node stops without leaving.
    package func crash(_ index: Int) {
        nodes[index].core = nil
        nodes[index].inbox = []
    }

    package func leave(_ index: Int) { act(index) { core, now in core.leave(now: now) } }

    package func pause(_ index: Int) { nodes[index].isPaused = true }

    /// Received datagrams are read before the timers fire, or after.
    package func resume(_ index: Int, timersFirst: Bool) {
        nodes[index].isPaused = false
        if timersFirst { fire(index) }
        let waiting = nodes[index].inbox
        nodes[index].inbox = []
        for datagram in waiting { deliver(datagram.bytes, from: datagram.from, to: index) }
        fire(index)
    }

    /// Moves nodes to a side of the network.
    package func move(_ indices: some Sequence<Int>, toSide side: Int) {
        for index in indices { nodes[index].side = side }
    }

    /// Delivers bytes that no node sent, or that a node sent long ago.
    package func inject(_ bytes: [UInt8], from: Int, to: Int) { deliver(bytes, from: from, to: to) }

    package func run(periods: Double) {
        let end = now + Int64(periods * Double(configuration.period))
        while queue.nextTime <= end { step() }
        now = end
    }

    /// Runs until the condition holds, and returns the elapsed periods; nil if it does not hold within `limit` periods.
    /// The condition is checked ten times per period.
    package func run(limit: Double, until condition: () -> Bool) -> Double? {
        let start = periods
        while !condition() {
            guard periods - start < limit else { return nil }
            run(periods: 0.1)
        }
        return periods - start
    }

    package func index(of id: MemberID) -> Int? { nodeByID[id] }

    /// Running nodes.
    package var running: [Int] { nodes.indices.filter { nodes[$0].core != nil } }

    /// What one node believes about another.
    package func status(of subject: Int, at observer: Int) -> MemberStatus? {
        nodes[observer].core?.member(nodes[subject].id)?.status
    }

    /// Whether all running nodes except `excluded` believe it.
    package func all(believe status: MemberStatus, of subject: Int) -> Bool {
        running.allSatisfy { $0 == subject || self.status(of: subject, at: $0) == status }
    }

    /// Whether every running node considers exactly the running nodes alive.
    package var isWhole: Bool {
        let running = running
        // Counting is cheap, and usually sufficient.
        guard running.allSatisfy({ nodes[$0].core?.liveCount == running.count }) else { return false }
        return running.allSatisfy { observer in running.allSatisfy { status(of: $0, at: observer) == .alive } }
    }

    private func step() {
        let event = queue.removeFirst()
        now = event.time
        switch event.kind {
        case .timer(let index):
            guard nodes[index].timer == event.time else { return }
            nodes[index].timer = .max
            if !nodes[index].isPaused { fire(index) }
        case .datagram(let bytes, let from, let to): deliver(bytes, from: from, to: to)
        }
    }

    private func fire(_ index: Int) { act(index) { core, now in core.handleTimeout(now: now) } }

    private func deliver(_ bytes: [UInt8], from: Int, to: Int) {
        guard nodes[to].core != nil, nodes[from].side == nodes[to].side else { return }
        if nodes[to].isPaused { return nodes[to].inbox.append((bytes, from)) }
        let source = nodes[from].address
        act(to) { core, now in (try? core.receive(bytes, from: source, now: now)) ?? [] }
    }

    private func act(_ index: Int, _ body: (inout SwimCore, Int64) -> [SwimAction]) {
        guard var core = nodes[index].core else { return }
        // Taken out, so that it is not copied.
        nodes[index].core = nil
        let actions = body(&core, now)
        nodes[index].core = core
        for action in actions {
            switch action {
            case .send(let bytes, let address): transmit(bytes, from: index, to: address)
            case .event(let event): observe(event, at: index)
            // They have ids of their own; only liars claim others.
            case .conflict: break
            case .finished: nodes[index].hasFinished = true
            }
        }
        schedule(index)
    }

    private func observe(_ event: MembershipEvent, at index: Int) {
        nodes[index].events.append(event)
        if event.change == .failed, let subject = nodeByID[event.member.id], nodes[subject].core != nil,
            nodes[subject].side == nodes[index].side
        {
            falsePositives += 1
        }
        observer?(index, event)
    }

    private func transmit(_ bytes: [UInt8], from: Int, to address: MemberAddress) {
        precondition(bytes.count <= SwimMessage.maximumLength, "a message of \(bytes.count) bytes")
        nodes[from].bytesSent += bytes.count + SwimDatagram.overhead
        nodes[from].datagramsSent += 1
        guard let to = nodeByAddress[address] else { return }
        tap?(bytes, from, to)
        for time in link.arrivals(ofDatagram: bytes.count, now: now, using: &random) {
            queue.insert(.datagram(bytes, from: from, to: to), at: time)
        }
    }

    private func schedule(_ index: Int) {
        guard let deadline = nodes[index].core?.deadline, deadline < nodes[index].timer, deadline != .max else {
            return
        }
        let time = max(deadline, now)
        nodes[index].timer = time
        queue.insert(.timer(node: index), at: time)
    }
}
