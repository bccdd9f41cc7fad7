package import LinkMeasurement
package import PacketIO

/// Who may use a relay, and for what.
package struct RelayPermit: Sendable {
    /// The only address that is heard and answered.
    package var peer: InternetHost
    /// Most source ports.
    package var flows: Int
    /// Directions that carry data; the other one carries only the hello.
    package var directions: Set<StreamPreface.Direction>

    package init(peer: InternetHost, flows: Int, directions: Set<StreamPreface.Direction>) {
        self.peer = peer
        self.flows = flows
        self.directions = directions
    }

    /// iperf3's first datagram of each stream, and the server's reply to it, are four bytes.
    static let helloBytes = 4

    func passes(_ direction: StreamPreface.Direction, length: Int) -> Bool {
        directions.contains(direction) || length <= Self.helloBytes
    }
}

/// Decides which datagrams of a relay belong to a flow. No socket, thread or clock inside.
///
/// A flow starts with a hello from a new source port of the peer, is answered when the service behind the relay sends
/// its first datagram, and keeps its slot from then on until the service is gone. A flow that was never answered makes
/// room for a newer one, so hellos that the service ignores cannot use up the slots.
struct RelayFlows<Connection> {
    struct Flow {
        let id: Int
        let source: InternetAddress
        let connection: Connection
        var isAnswered = false
    }

    enum Verdict: Equatable {
        /// To the flow at this index.
        case forward(Int)
        /// A hello from a source that has no flow yet.
        case open
        /// From another address.
        case stranger
        /// From the peer, but beyond its grant.
        case refused
    }

    let permit: RelayPermit
    private(set) var flows: [Flow] = []
    private var opened = 0

    init(_ permit: RelayPermit) {
        self.permit = permit
    }

    /// Judges a datagram from outside.
    func judge(_ source: InternetAddress?, length: Int) -> Verdict {
        guard let source, source.host == permit.peer else { return .stranger }
        if let index = flows.firstIndex(where: { $0.source == source }) {
            return permit.passes(.up, length: length) ? .forward(index) : .refused
        }
        guard length == RelayPermit.helloBytes, permit.flows > 0 else { return .refused }
        return flows.count < permit.flows || flows.contains { !$0.isAnswered } ? .open : .refused
    }

    /// Gives a new source its flow; if no slot is free, takes the oldest unanswered one's.
    mutating func open(_ source: InternetAddress, _ connection: Connection) {
        if flows.count >= permit.flows, let oldest = flows.firstIndex(where: { !$0.isAnswered }) {
            flows.remove(at: oldest)
        }
        opened += 1
        flows.append(Flow(id: opened, source: source, connection: connection))
    }

    mutating func answered(_ id: Int) {
        if let index = flows.firstIndex(where: { $0.id == id }) { flows[index].isAnswered = true }
    }

    /// Frees the slot: the service is gone.
    mutating func close(_ id: Int) {
        flows.removeAll { $0.id == id }
    }
}
